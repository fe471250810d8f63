// The demonstration as a newcomer starts it: every button of its pages, and one of its servers killed.
//
// Usage: DEMO_BINARY=target/debug/demo node demo.mjs

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { answer } from './person.mjs';
import { CHROMIUM } from './services.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.DEMO_BINARY ?? join(here, '../../target/debug/demo');
// However this ends, the demonstration's input ends with it, and with that the demonstration and its servers.
const demo = spawn(binary, ['--lifetime', '30', '--until', 'end-of-input'], { stdio: ['pipe', 'pipe', 'inherit'] });
const processes = {};
let shop;
for await (const line of createInterface(demo.stdout)) {
  const [, name, id] = /server (\w) +process (\d+)/.exec(line) ?? [];
  if (name) processes[name] = Number(id);
  shop = /Open (\S+)/.exec(line)?.[1];
  if (shop) break;
}
const browser = await chromium.launch(CHROMIUM);
const page = await (await browser.newContext()).newPage();
page.setDefaultTimeout(15_000);

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

let passed = 0;
const check = (what, said, outcome) => {
  assert.equal(said.outcome, outcome, what);
  passed += 1;
  console.log(`ok  ${what}`);
};

const signedIn = await signIn('Continue as Ann');
check('a person signs in', signedIn, 'signed_in');
assert.notEqual(signedIn.server, signedIn.begunOn);
const twice = [await press('#again'), await press('#again')].map(({ outcome }) => outcome).sort();
assert.deepEqual(twice, ['already_used', 'invalid_grant']);
passed += 1;
console.log('ok  the link again, twice: one server refuses it, the other leaves it to the provider');
check('one character changed', await press('#changed'), 'forged');
check('in another browser', await press('form button'), 'other_browser');
check('and again from that page', await press('#changed'), 'forged');
check('the person says no', await signIn('Do not tell them'), 'access_denied');

// Begin, and kill the server that began: the front and the other server carry on.
await page.goto(shop);
const { server } = await page.locator('main').evaluate((main) => ({ ...main.dataset }));
const began = server === 'A' ? 'B' : 'A';
await page.click('a.main');
process.kill(processes[began], 'SIGKILL');
await page.click('button:has-text("Continue as Bob")');
const survived = await answer(page);
check('a server is killed in the middle of a login', survived, 'signed_in');
assert.deepEqual([survived.begunOn, survived.server], [began, server]);

await browser.close();
demo.stdin.end();
const [code] = await once(demo, 'exit');
assert.equal(code, 0);
console.log(`${passed} passed, 0 failed`);
