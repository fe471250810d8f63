// Chromium, by playwright-core. Each browser of a story is a context: a cookie jar of its own in one process.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../services.mjs';

export const title = 'Chromium';
export const isInstalled = () => existsSync(CHROMIUM.executablePath);

export async function launch() {
  const process = await chromium.launch(CHROMIUM);
  return {
    version: process.version(),
    async newBrowser() {
      const context = await process.newContext({ ignoreHTTPSErrors: true });
      return {
        newPage: async () => asPage(await context.newPage()),
        cookies: () => context.cookies(),
        close: () => context.close(),
      };
    },
    close: () => process.close(),
  };
}

function asPage(page) {
  return {
    address: () => page.url(),
    goTo: (address) => page.goto(address),
    reload: () => page.reload(),
    back: () => page.goBack(),
    click: (selector) => page.click(selector),
    fill: (selector, text) => page.fill(selector, text),
    read: (expression) => page.evaluate(expression),
  };
}
