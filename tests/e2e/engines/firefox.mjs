// Firefox, by puppeteer-core and WebDriver BiDi. Each browser of a story is a user context: a cookie jar of its own in
// one process, whose profile is new.

import { existsSync } from 'node:fs';

const PROGRAM = process.env.FIREFOX ?? ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find(existsSync);

export const title = 'Firefox';
export const isInstalled = () => PROGRAM !== undefined && existsSync(PROGRAM);

export async function launch(folder) {
  // Here, because it starts slowly and only Firefox needs it.
  const { default: puppeteer } = await import('puppeteer-core');
  const firefox = await puppeteer.launch({
    browser: 'firefox',
    protocol: 'webDriverBiDi',
    executablePath: PROGRAM,
    headless: true,
    acceptInsecureCerts: true,
    // Firefox writes to the home folder, too. As root, it refuses to start with that of another user.
    env: { ...process.env, HOME: folder },
    // The scripts end what they started themselves, at signals, too.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  process.on('exit', () => firefox.process().kill('SIGKILL'));
  // Firefox loses a page that opens while another one closes ("no such frame").
  let last = Promise.resolve();
  const oneAtATime = (act) => {
    const done = last.then(act);
    last = done.catch(() => {});
    return done;
  };
  return {
    version: (await firefox.version()).replace(/^firefox\//i, ''),
    async newBrowser() {
      const context = await oneAtATime(() => firefox.createBrowserContext());
      return {
        newPage: async () => asPage(await oneAtATime(() => context.newPage())),
        cookies: () => context.cookies(),
        close: () => oneAtATime(() => context.close()),
      };
    },
    close: () => firefox.close(),
  };
}

function asPage(page) {
  return {
    address: () => page.url(),
    goTo: (address) => page.goto(address),
    reload: () => page.reload(),
    back: () => page.goBack(),
    click: (selector) => page.click(selector),
    fill: (selector, text) => page.type(selector, text),
    read: (expression) => page.evaluate(expression),
  };
}
