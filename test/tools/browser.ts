/** A headless Chromium: that of the environment (CHROMIUM) or of the path, led by playwright-core out of npm. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** The package has no install script and brings no browser. */
const PACKAGE = 'playwright-core@1.65.1';
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** What the suite uses of it. */
export interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<Result>(expression: string): Promise<Result>;
  emulateMedia(media: { colorScheme?: 'light' | 'dark'; media?: 'print' | 'screen' }): Promise<void>;
  screenshot(options: { path?: string; fullPage?: boolean; clip?: object }): Promise<Buffer>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
  on(event: 'request', listener: (request: { url(): string }) => void): void;
}
export interface Browser {
  newContext(options: {
    offline: boolean;
    viewport: { width: number; height: number };
    colorScheme: 'light' | 'dark';
    deviceScaleFactor?: number;
  }): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>;
  close(): Promise<void>;
}

/** Installs into the folder. Throws when there is no browser, or no npm registry. */
export async function startBrowser(folder: string): Promise<Browser> {
  const executablePath = chromium();
  await writeFile(join(folder, 'package.json'), '{"private": true}');
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', PACKAGE];
  await promisify(execFile)('npm', install, { cwd: folder });
  const playwright = createRequire(join(folder, 'package.json'))('playwright-core') as {
    chromium: { launch(options: { executablePath: string }): Promise<Browser> };
  };
  return playwright.chromium.launch({ executablePath });
}

function chromium(): string {
  const { CHROMIUM, PATH = '' } = process.env;
  const places = PATH.split(delimiter).flatMap((place) => PROGRAMS.map((program) => join(place, program)));
  const found = CHROMIUM || places.find(isProgram);
  if (found === undefined)
    throw new Error(`no ${PROGRAMS[0]} in the path, and CHROMIUM does not name a program`);
  return found;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
