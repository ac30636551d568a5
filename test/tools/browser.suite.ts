/**
 * The report of a run in a browser, as whoever gets the file opens it: `npm run test:browser`. It needs Chromium and npm's
 * registry, and says so when it has not got them. With LOCKSTEP_PICTURE=FILE it also makes the picture in the documents.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Browser, type Page, startBrowser } from './browser.ts';
import { REPORTS, writeReports } from './reports.ts';

const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };
/** WCAG 2.2, level AA, for text of any size. */
const LEAST_CONTRAST = 4.5;
const LEAST_FONT_PX = 12;

/** What report-probe.js gives. */
interface Seen {
  readonly texts: readonly {
    readonly text: string;
    readonly isShown: boolean;
    readonly isCut: boolean;
    readonly fontSizePx: number;
    readonly contrast: number;
  }[];
  readonly overflowPx: number;
  readonly elements: number;
  readonly unnamed: number;
  readonly headings: readonly string[];
  readonly background: string;
}

interface Opened {
  readonly page: Page;
  readonly look: () => Promise<Seen>;
  /** Whatever the console said, exceptions, and requests of anything but the file itself. */
  readonly complaints: readonly string[];
}

const place = await mkdtemp(join(tmpdir(), 'lockstep-browser-'));
afterAll(() => rm(place, { recursive: true, force: true }));
const browser = await startBrowser(place).catch((error: Error) => error);
const probe = await readFile(new URL('report-probe.js', import.meta.url), 'utf8');

async function open(
  from: Browser,
  report: string,
  view: { readonly viewport: typeof PHONE; readonly colorScheme: 'light' | 'dark' },
): Promise<Opened> {
  const context = await from.newContext({ offline: true, ...view });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  const url = pathToFileURL(join(place, `${report}.html`)).href;
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (request.url() !== url) complaints.push(`request of ${request.url()}`);
  });
  await page.goto(url);
  return { page, look: () => page.evaluate<Seen>(probe), complaints };
}

if (browser instanceof Error) {
  it(`did not run: ${browser.message.split('\n')[0]}`, () => {
    console.warn(`The report was not opened in a browser: ${browser.message}`);
  });
} else {
  beforeAll(() => writeReports(place), 180_000);
  afterAll(() => browser.close());

  describe.each(REPORTS)('the report of a run: %s', (report) => {
    const SIZES = { 'a phone': PHONE, 'a desk': DESK } as const;
    describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
      it.each(['a phone', 'a desk'] as const)('is readable on %s, without network', async (size) => {
        const { look, complaints } = await open(browser, report, { viewport: SIZES[size], colorScheme });
        const { texts, overflowPx } = await look();
        expect(complaints).toEqual([]);
        expect(overflowPx).toBeLessThanOrEqual(0);
        expect(texts.length).toBeGreaterThan(40);
        expect(texts.filter(({ isShown, isCut }) => isShown && isCut)).toEqual([]);
        expect(texts.filter(({ contrast }) => contrast < LEAST_CONTRAST)).toEqual([]);
        expect(texts.filter(({ fontSizePx }) => fontSizePx < LEAST_FONT_PX)).toEqual([]);
      });
    });

    it('has no script, nothing to load or follow, and names for its parts', async () => {
      const { page, look } = await open(browser, report, { viewport: DESK, colorScheme: 'light' });
      const { elements, unnamed, headings } = await look();
      expect({ elements, unnamed, evil: await page.evaluate('typeof globalThis.evil') }).toEqual({
        elements: 0,
        unnamed: 0,
        evil: 'undefined',
      });
      expect(headings).toEqual(['H1', 'H2', 'H2', 'H2', 'H2', 'H2']);
    });

    it('shows all of it on paper', async () => {
      const { page, look } = await open(browser, report, { viewport: DESK, colorScheme: 'dark' });
      await page.emulateMedia({ media: 'print' });
      const { texts, background } = await look();
      expect(texts.filter(({ isShown }) => !isShown)).toEqual([]);
      expect(background).toBe('rgb(255, 255, 255)');
      expect(texts.filter(({ contrast }) => contrast < LEAST_CONTRAST)).toEqual([]);
    });
  });

  it('whatever got into the page would not run, nor style it', async () => {
    const { page, complaints } = await open(browser, 'applied', { viewport: DESK, colorScheme: 'light' });
    await page.evaluate(`{
      document.body.innerHTML += '<img src="data:," onerror="globalThis.evil = 1"><p style="color: red"></p>';
      const script = document.createElement('script');
      script.textContent = 'globalThis.evil = 2';
      document.body.append(script);
      fetch('data:,').catch(() => { globalThis.fetched = false; });
    }`);
    const read = '[typeof globalThis.evil, getComputedStyle(document.querySelector("body > p")).color]';
    expect(await page.evaluate(read)).toEqual(['undefined', expect.not.stringContaining('255, 0, 0')]);
    expect(complaints.filter((each) => each.includes('Content Security Policy')).length).toBeGreaterThan(2);
  });

  const { LOCKSTEP_PICTURE: picture } = process.env;
  if (picture) {
    it('makes the picture', async () => {
      const view = { viewport: { width: 960, height: 1120 }, colorScheme: 'light' } as const;
      const { page } = await open(browser, 'applied', view);
      await page.screenshot({ path: picture });
    });
  }
}
