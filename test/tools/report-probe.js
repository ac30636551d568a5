/**
 * Runs in the page, as an expression: what a person would find wrong with it. Colours are those that the browser
 * computed; what is behind a text is the next element above it that has a colour of its own.
 */
(() => {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = numbers(color)
      .slice(0, 3)
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((numbers(color)[3] ?? 1) === 1) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const contrast = (element) => {
    const [light, dark] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort(
      (a, b) => b - a,
    );
    return (light + 0.05) / (dark + 0.05);
  };
  const scrollsItself = (element) => {
    const box = element.closest('pre, .wide');
    return box !== null && box.getBoundingClientRect().right <= innerWidth;
  };

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { textContent, parentElement } = walker.currentNode;
    if (textContent.trim() === '') continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const { left, right, width, height } = range.getBoundingClientRect();
    const isShown = width > 0 && height > 0 && parentElement.checkVisibility({ contentVisibilityAuto: true });
    const isOutside = left < 0 || right > innerWidth + 0.5;
    const fontSizePx = Number.parseFloat(getComputedStyle(parentElement).fontSize);
    texts.push({
      text: textContent.trim().slice(0, 60),
      isShown,
      fontSizePx,
      contrast: contrast(parentElement),
      isCut: isOutside && !scrollsItself(parentElement),
    });
  }
  return {
    texts,
    overflowPx: document.scrollingElement.scrollWidth - innerWidth,
    elements: document.querySelectorAll('script, img, iframe, object, link, [onerror], [onload], a').length,
    unnamed: [...document.querySelectorAll('section, [role=region]')].filter(
      (region) =>
        !region.ariaLabel && !document.getElementById(region.getAttribute('aria-labelledby'))?.textContent,
    ).length,
    headings: [...document.querySelectorAll('h1, h2, h3')].map(({ tagName }) => tagName),
    background: getComputedStyle(document.body).backgroundColor,
  };
})();
