// WebKitGTK's MiniBrowser, by WebDriver over HTTP. A driver serves one session, so each browser of a story is a driver
// and a MiniBrowser with an empty jar, as processes of their own.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort, until } from '../services.mjs';

/** The key by which WebDriver marks an element (W3C WebDriver, section 12). */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';
const isThere = (program) => spawnSync('which', [program]).status === 0;

export const title = 'WebKitGTK';
export const isInstalled = () => ['WebKitWebDriver', 'Xvfb'].every(isThere);

export async function launch(folder) {
  const screen = await startScreen();
  const { version } = await newBrowser(screen, folder).then(async (browser) => {
    await browser.close();
    return browser;
  });
  return { version, newBrowser: () => newBrowser(screen, folder), close: () => screen.stop() };
}

/** Ends what still runs when this process ends. */
const ends = new Set();
process.on('exit', () => ends.forEach((end) => end()));

/** A process that ends with this one, and everything that it started. */
function start(program, args, options) {
  // A group of its own: a driver that is killed does not end its browser.
  const child = spawn(program, args, { detached: true, ...options });
  const end = () => { try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it is gone */ } };
  ends.add(end);
  const gone = once(child, 'exit');
  const isEmpty = () => { try { return !process.kill(-child.pid, 0); } catch { return true; } };
  const stop = async () => {
    end();
    await gone;
    // A killed process may write to the folder until it is gone, and the folder is removed next.
    await until('the browser has ended', isEmpty, 5).catch(() => {});
    ends.delete(end);
  };
  return { child, stop };
}

/** An X server without a window, under a free display number. */
async function startScreen() {
  const { child, stop } = start('Xvfb', ['-displayfd', '1', '-nolisten', 'tcp', '-screen', '0', '1024x768x24'],
    { stdio: ['ignore', 'pipe', 'ignore'] });
  const [number] = await once(createInterface(child.stdout), 'line');
  return { display: `:${number}`, stop };
}

async function newBrowser(screen, folder) {
  const home = mkdtempSync(join(folder, 'webkitgtk-'));
  const port = await freePort();
  const driver = start('WebKitWebDriver', ['--host=127.0.0.1', `--port=${port}`], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      HOME: home,
      DISPLAY: screen.display,
      GDK_BACKEND: 'x11',
      GSETTINGS_BACKEND: 'memory',
      NO_AT_BRIDGE: '1',
      // Its sandbox needs namespaces, which root in a container often cannot create. The browser visits only this machine.
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
    },
  });
  const send = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  };
  try {
    await until('the driver of WebKitGTK answers', async () => (await send('GET', '/status')).ready);
    const { sessionId, capabilities } = await send('POST', '/session', {
      capabilities: { alwaysMatch: { acceptInsecureCerts: true } },
    });
    const session = asSession((method, path, body) => send(method, `/session/${sessionId}${path}`, body));
    return {
      version: capabilities.browserVersion,
      newPage: session.newPage,
      cookies: session.cookies,
      close: async () => {
        await send('DELETE', `/session/${sessionId}`).catch(() => {});
        await driver.stop();
      },
    };
  } catch (error) {
    await driver.stop();
    throw error;
  }
}

/** The tabs of a session. Its commands go to the tab that was chosen last, so that they run one after another. */
function asSession(send) {
  let last = Promise.resolve();
  let chosen;
  let used = 0;
  const inTurn = (tell) => {
    const mine = last.then(tell);
    last = mine.catch(() => {});
    return mine;
  };
  const inTab = (handle, tell) => inTurn(async () => {
    if (chosen !== handle) await send('POST', '/window', { handle });
    chosen = handle;
    return tell();
  });
  const find = async (selector) => {
    const found = await send('POST', '/element', { using: 'css selector', value: selector });
    return `/element/${found[ELEMENT]}`;
  };
  return {
    cookies: () => inTurn(() => send('GET', '/cookie')),
    newPage: () => inTurn(async () => {
      used += 1;
      // The browser comes with one tab.
      const handle = used === 1 ? await send('GET', '/window') : (await send('POST', '/window/new', { type: 'tab' })).handle;
      const here = (tell) => inTab(handle, tell);
      return {
        address: () => here(() => send('GET', '/url')),
        goTo: (url) => here(() => send('POST', '/url', { url })),
        reload: () => here(() => send('POST', '/refresh', {})),
        back: () => here(() => send('POST', '/back', {})),
        click: (selector) => here(async () => send('POST', `${await find(selector)}/click`, {})),
        fill: (selector, text) => here(async () => send('POST', `${await find(selector)}/value`, { text })),
        read: (expression) => here(() => send('POST', '/execute/sync', { script: `return (${expression})`, args: [] })),
      };
    }),
  };
}
