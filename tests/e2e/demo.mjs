// The demonstration as a newcomer starts it: every button of its pages, and its servers killed from outside.
//
// Usage: DEMO_BINARY=target/debug/demo node demo.mjs [--update-screenshot]
//
// --update-screenshot  also writes docs/demo.png: a finished login, and a refusal in the list

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { answer } from './person.mjs';
import { CHROMIUM, until } from './services.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.DEMO_BINARY ?? join(here, '../../target/debug/demo');
const LIFETIME = 15;
const DESKTOP = { width: 1240, height: 900 };
// However this program ends, the demonstration's input ends with it, and then the demonstration and its servers stop.
async function startDemo(...options) {
  const demo = spawn(binary, ['--until', 'end-of-input', ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface(demo.stdout)) {
    const address = /Open (\S+) in/.exec(line)?.[1];
    if (address) {
      demo.stdout.resume();
      return [demo, address];
    }
  }
  throw new Error('the demonstration ended before it was ready');
}

async function stopDemo(demo) {
  demo.stdin.end();
  const [code] = await once(demo, 'exit');
  assert.equal(code, 0);
}

const [demo, shop] = await startDemo('--lifetime', String(LIFETIME));
const browser = await chromium.launch(CHROMIUM);
const page = await (await browser.newContext({ viewport: DESKTOP })).newPage();
page.setDefaultTimeout(15_000);
page.on('pageerror', (error) => { throw error; });

const status = async () => (await fetch(`${shop}/control/status`)).json();
const running = async (name) => (await status()).servers.find((server) => server.name === name).process_id !== null;
const keys = async (role) => (await status()).keys.filter((key) => key.role === role).map(({ id }) => id);

async function signIn(button) {
  await page.goto(shop);
  await page.click('a.main');
  await page.click(`button:has-text("${button}")`);
  return answer(page);
}

async function press(selector) {
  await page.click(selector);
  await page.waitForLoadState();
  return answer(page);
}

/** Starts a login and pauses it before the provider; gives the server that started it. */
async function pauseLogin() {
  await page.goto(shop);
  await page.click('#slowly');
  await page.waitForSelector('main[data-step=paused]');
  return page.locator('main').getAttribute('data-begun-on');
}

async function resumeLogin() {
  await page.click('#continue');
  await page.click('button:has-text("Continue as Bob")');
  return answer(page);
}

/** A row of the decoded state. */
const decoded = (name) => page.locator(`dd[data-name="${name}"]`).textContent();

/** Waits until the page says how a control ended. */
const noted = (text) => page.waitForFunction((text) => document.querySelector('#note').textContent.includes(text), text);

/** Presses the button of a server in the list of servers. */
async function toggle(name, label) {
  await page.click(`li[data-server=${name}] button:text-is("${label}")`);
  const is = label === 'Stop' ? 'stopped' : 'process';
  await page.waitForSelector(`li[data-server=${name}] small:has-text("${is}")`);
  assert.equal(await running(name), label === 'Start');
}

let passed = 0;
const held = (what) => {
  passed += 1;
  console.log(`ok  ${what}`);
};
const check = (what, said, outcome) => {
  assert.equal(said.outcome, outcome, what);
  held(what);
};
/** The newest refusals of the list have these codes, and each says what it means. */
async function listed(...codes) {
  await page.waitForFunction(
    (codes) => codes.every((code, at) => document.querySelectorAll('#refusals li')[at]?.dataset.code === code),
    codes.reverse(),
  );
  for (const line of await page.locator('#refusals li').allTextContents()) assert.ok(line.length > 60, line);
}

const signedIn = await signIn('Continue as Ann');
check('a user signs in', signedIn, 'signed_in');
assert.notEqual(signedIn.server, signedIn.begunOn);
const state = new URL(page.url()).searchParams.get('state');
assert.equal(await page.locator('.sealed').textContent(), state);
assert.equal(await decoded('length'), `${state.length} characters`);
assert.equal(await decoded('data'), `{"server":"${signedIn.begunOn}"}`);
assert.deepEqual(
  await Promise.all(['provider', 'purpose', 'return path', 'bound by', 'validity'].map(decoded)),
  ['demo', 'login', '/?after=login', 'cookie', 'valid key, seal and time'],
);
assert.match(await decoded('issued'), /^\d\d:\d\d:\d\d UTC$/);
assert.match(await decoded('expires'), new RegExp(`UTC, ${LIFETIME} s later$`));
assert.equal(await decoded('key id'), `${(await keys('active'))[0]} (active)`);
held('the page shows the state, sealed and decoded');

check('one character changed', await press('#changed'), 'forged');
assert.match(await decoded('contents'), /not readable/);
check('in a browser that was never here', await press('#fresh'), 'cookie_missing');
await listed('forged', 'cookie_missing');
if (process.argv.includes('--update-screenshot')) {
  const picture = await signIn('Continue as Ann');
  assert.equal(picture.outcome, 'signed_in');
  await page.waitForSelector('#refusals li');
  await page.setViewportSize({ width: 1100, height: 690 });
  const { length } = await page.screenshot({ path: join(here, '../../docs/demo.png'), clip: { x: 0, y: 0, width: 1100, height: 620 } });
  assert.ok(length < 120_000, `docs/demo.png has ${length} bytes`);
  await page.setViewportSize(DESKTOP);
}
const twice = [await press('#again'), await press('#again')].map(({ outcome }) => outcome);
assert.deepEqual(twice.toSorted(), ['already_used', 'invalid_grant']);
await listed(...twice);
held('the link again, twice: one server refuses it, the other leaves it to the provider');
check('in another browser', await press('#other'), 'other_browser');
check('another provider named', await press('#issuer'), 'issuer_mismatch');
await listed('other_browser', 'issuer_mismatch');
held('the list has each refusal');
check('the user cancels', await signIn('Cancel'), 'access_denied');
check('the user signs in again', await (async () => {
  await page.click('#retry');
  await page.click('button:has-text("Continue as Ann")');
  return answer(page);
})(), 'signed_in');
await page.click('a:has-text("Back to the start")');
await page.waitForSelector('#returned');
held('the return path of the state leads back');

// In the middle of a login: the server that started it, the keys, and the key that sealed it.
const began = await pauseLogin();
assert.equal(await decoded('data'), `{"server":"${began}"}`);
await page.click('#stop-begun');
await noted(`Server ${began} is stopped`);
assert.match(await page.textContent('form:has(#stop-begun) output'), /is stopped/);
assert.equal(await running(began), false);
const finished = await resumeLogin();
check('the server that started a login is stopped: the other one finishes it', finished, 'signed_in');
assert.deepEqual([finished.begunOn, finished.server], [began, began === 'A' ? 'B' : 'A']);
await toggle(began, 'Start');
await toggle(began, 'Stop');
await toggle(began, 'Start');
await toggle('A', 'Stop');
await toggle('B', 'Stop');
await page.goto(shop);
assert.match(await page.textContent('main'), /No application server answered/);
await toggle('A', 'Start');
await toggle('B', 'Start');
held('servers are stopped and started by the list of servers');

await pauseLogin();
const before = await keys('active');
await page.click('#rotate');
await noted('was added');
const [pending] = await keys('pending');
check('the keys rotate in the middle of a login', await resumeLogin(), 'signed_in');
assert.equal(await decoded('key id').then((text) => text.split(' ')[0]), before[0]);
await page.waitForFunction((key) => [...document.querySelectorAll('#keys li')].some((line) => line.textContent === `${key} active`), pending);
held('the new key becomes the active one');

await pauseLogin();
const [leaked] = (await decoded('key id')).split(' ');
await page.click('#revoke');
await noted(`Key ${leaked} is revoked`);
assert.deepEqual(await keys('revoked'), [leaked]);
check('the key is revoked in the middle of a login', await resumeLogin(), 'key_revoked');
assert.equal(await decoded('validity'), 'key_revoked');
await listed('key_revoked');
await page.click('#retry');
await page.click('button:has-text("Continue as Bob")');
check('the login works when it starts again', await answer(page), 'signed_in');

await page.click('aside button:has-text("Rotate the keys")');
await noted('was added');
await page.click('aside button:has-text("Revoke the active key")');
await noted('is revoked');
assert.equal((await keys('revoked')).length, 2);
held('the keys are rotated and revoked by the list of keys');

// Every attack at once, in the background, and meanwhile the one that waits.
await page.goto(shop);
const earlier = (await status()).refusals[0].number;
await page.click('#every');
await noted('is under way');
const attacked = ['other_browser', 'cookie_missing', 'forged', 'issuer_mismatch', 'already_used', 'invalid_grant'];
for (const code of attacked) await page.waitForSelector(`#refusals li[data-code=${code}]`);
await page.click('#every');
await noted('are under way');
page.setDefaultTimeout((LIFETIME + 10) * 1000);
check('an answer that comes too late', await press('#expired'), 'expired');
await noted('Every attack was tried, and refused');
const refused = (await status()).refusals.filter(({ number }) => number > earlier).map(({ code }) => code);
assert.deepEqual(refused.toSorted(), [...attacked, 'expired', 'expired'].toSorted());
held('every attack at once');
page.setDefaultTimeout(15_000);

// A page of another site cannot use the controls, even if it knows the address.
const origins = [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: 'http://localhost:1' }, { origin: 'null' }, {}];
for (const headers of origins) {
  const body = new URLSearchParams({ server: 'A' });
  const refusal = await fetch(`${shop}/control/stop`, { method: 'POST', headers, body });
  assert.equal(refusal.status, 403, JSON.stringify(headers));
}
const evil = await browser.newContext();
await evil.route('http://evil.example/', (route) => route.fulfill({
  contentType: 'text/html',
  body: `<form method=post action="${shop}/control/stop"><input name=server value=A><button>Free prizes</button></form>`,
}));
const prize = await evil.newPage();
await prize.goto('http://evil.example/');
await prize.click('button');
await prize.waitForURL(`${shop}/**`);
assert.match(await prize.textContent('body'), /refused/);
assert.ok(await running('A'));
held('controls refuse the requests of other sites');

// On a phone, in both color schemes, no page is wider than the window.
for (const colorScheme of ['light', 'dark']) {
  const phone = await (await browser.newContext({ viewport: { width: 360, height: 740 }, colorScheme })).newPage();
  const fits = async () => assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), phone.url());
  await phone.goto(shop);
  await phone.waitForSelector('#refusals li');
  await fits();
  await phone.click('#slowly');
  await phone.waitForSelector('#keys li');
  await fits();
  await phone.click('#continue');
  await fits();
  await phone.click('button:has-text("Continue as Ann")');
  await phone.waitForSelector('#refusals li');
  await fits();
}
held('every page fits a phone');

// A server is killed from outside, in the middle of a login: the front and the other server carry on.
await page.goto(shop);
const { server } = await page.locator('main').evaluate((main) => ({ ...main.dataset }));
const victim = server === 'A' ? 'B' : 'A';
await page.click('a.main');
process.kill((await status()).servers.find(({ name }) => name === victim).process_id, 'SIGKILL');
await until('the status shows that it is gone', async () => !await running(victim));
await page.click('button:has-text("Continue as Bob")');
const survived = await answer(page);
check('a server is killed in the middle of a login', survived, 'signed_in');
assert.deepEqual([survived.begunOn, survived.server], [victim, server]);
await toggle(victim, 'Start');
held('it is started again');

// Safari keeps no Secure cookie on http://localhost. The page says so, unless the option for it was given.
const [plainDemo, plainShop] = await startDemo('--plain-http');
for (const [address, isPlain] of [[shop, false], [plainShop, true]]) {
  const context = await browser.newContext();
  const visitor = await context.newPage();
  await visitor.goto(address);
  assert.equal((await visitor.textContent('main')).includes('Safari'), !isPlain);
  await visitor.click('a.main');
  await visitor.waitForSelector('button:has-text("Continue as Ann")');
  assert.deepEqual((await context.cookies()).map(({ secure }) => secure), [!isPlain]);
}
held('--plain-http leaves Secure out');

await browser.close();
await stopDemo(plainDemo);
await stopDemo(demo);
console.log(`${passed} passed, 0 failed`);
