// End to end: two server processes behind nginx, the certified oidc-provider, and Chromium as the person.
//
// Usage: DEMO_BINARY=target/debug/demo node run.mjs [--update-screenshot]

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';
import { chromium } from 'playwright-core';
import { CHROMIUM, freePort, rootKey, Server, startNginx, startProvider } from './services.mjs';
import { answer, arriveAtCallback, clickSignIn, deny, signIn } from './person.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.DEMO_BINARY ?? join(here, '../../target/debug/demo');
const folder = mkdtempSync(join(tmpdir(), 'oauth-state-e2e-'));
const out = join(here, 'out');
mkdirSync(out, { recursive: true });

const secrets = new Set();
const port = await freePort();
const shop = `http://localhost:${port}`;
const client = { id: 'shop', secret: randomBytes(24).toString('base64url'), redirectUri: `${shop}/callback` };
const provider = await startProvider(client, secrets);
const keys = rootKey();
secrets.add(keys).add(client.secret);
const servers = ['A', 'B'].map((name) => new Server(binary, name, { public: shop, issuer: provider.issuer, client, keys }, folder));
for (const server of servers) await server.start();
const nginx = await startNginx(port, servers, folder);
const browser = await chromium.launch(CHROMIUM);

let passed = 0;
let failed = 0;
/** Runs one story in fresh browsers; `browsers(n)` gives n of them, each with a jar of its own. */
async function story(name, tell) {
  const contexts = [];
  const newBrowser = async (options) => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(15_000);
    contexts.push(context);
    return context;
  };
  try {
    await tell(newBrowser);
    passed += 1;
    console.log(`ok  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`BAD ${name}\n${error.stack}`);
  }
  for (const context of contexts) {
    for (const { name: cookie, value } of await context.cookies()) if (cookie.startsWith('__Host-')) secrets.add(value);
    await context.close();
  }
}

await story('a person signs in: begun on one server, finished on the other, the nonce accepted', async (newBrowser) => {
  const page = await (await newBrowser({ viewport: { width: 420, height: 900 } })).newPage();
  await page.goto(shop);
  const began = await clickSignIn(page, shop);
  const said = await signIn(page, shop, 'ann');
  assert.equal(said.outcome, 'signed_in');
  assert.notEqual(said.server, said.begunOn, 'finished on the server that began');
  assert.equal(began, servers.find(({ name }) => name === said.begunOn).address);
  await page.screenshot({ path: join(out, 'login.png'), fullPage: true });
});

await story('four tabs opened at once with an empty jar all succeed', async (newBrowser) => {
  const context = await newBrowser();
  const pages = await Promise.all([1, 2, 3, 4].map(() => context.newPage()));
  // The servers hold still until nginx has all four requests, so that none of them carries a cookie yet. Each has an
  // address of its own, or the browser would wait with the second one for the first one's answer.
  servers.forEach((server) => server.process.kill('SIGSTOP'));
  const begun = Promise.all(pages.map((page, tab) => clickSignIn(page, shop, `?tab=${tab}`)));
  await nginx.holds(4).finally(() => servers.forEach((server) => server.process.kill('SIGCONT')));
  await begun;
  const cookies = (await context.cookies()).filter(({ name }) => name.startsWith('__Host-'));
  assert.equal(cookies.length, 4);
  assert.ok(cookies.every(({ httpOnly, secure, sameSite, path }) => httpOnly && secure && sameSite === 'Lax' && path === '/'));
  for (const page of pages.reverse()) assert.equal((await signIn(page, shop, 'ann')).outcome, 'signed_in');
});

await story('back and reload on the server that finished: already_used; on the other the provider refuses', async (newBrowser) => {
  const context = await newBrowser();
  const page = await context.newPage();
  await clickSignIn(page, shop);
  const { server, begunOn } = await signIn(page, shop, 'ann');
  await context.setExtraHTTPHeaders({ 'X-Pin': server });
  await page.reload();
  assert.deepEqual(await answer(page), { outcome: 'already_used', server, begunOn: '' });
  await page.goto(`${shop}/`);
  await page.goBack();
  assert.equal((await answer(page)).outcome, 'already_used');
  await context.setExtraHTTPHeaders({ 'X-Pin': begunOn });
  await page.reload();
  assert.equal((await answer(page)).outcome, 'invalid_grant');
});

await story('a second browser with the first one\'s callback address: other_browser, and the owner still signs in', async (newBrowser) => {
  const [owner, other] = [await (await newBrowser()).newPage(), await (await newBrowser()).newPage()];
  await clickSignIn(owner, shop);
  // nginx answers the callback itself, so that the link is known and unused.
  await owner.context().setExtraHTTPHeaders({ 'X-Pin': 'nobody' });
  await arriveAtCallback(owner, shop, 'ann');
  const address = owner.url();
  await clickSignIn(other, shop);
  await other.goto(address);
  assert.equal((await answer(other)).outcome, 'other_browser');
  const fresh = await (await newBrowser()).newPage();
  await fresh.goto(address);
  assert.equal((await answer(fresh)).outcome, 'cookie_missing');
  await owner.context().setExtraHTTPHeaders({});
  await owner.goto(address);
  assert.equal((await answer(owner)).outcome, 'signed_in');
});

await story('a code of one login, taken to another one, is refused: its verifier does not fit', async (newBrowser) => {
  const [victim, attacker] = [await (await newBrowser()).newPage(), await (await newBrowser()).newPage()];
  const addresses = [];
  for (const page of [victim, attacker]) {
    await clickSignIn(page, shop);
    await page.context().setExtraHTTPHeaders({ 'X-Pin': 'nobody' });
    await arriveAtCallback(page, shop, 'ann');
    addresses.push(new URL(page.url()));
  }
  const [stolen, own] = addresses;
  own.searchParams.set('code', stolen.searchParams.get('code'));
  await attacker.context().setExtraHTTPHeaders({});
  await attacker.goto(own.href);
  assert.equal((await answer(attacker)).outcome, 'invalid_grant');
});

await story('the person denies consent', async (newBrowser) => {
  const page = await (await newBrowser()).newPage();
  await clickSignIn(page, shop);
  assert.equal((await deny(page, shop)).outcome, 'access_denied');
});

await story('the process that began is killed before the callback: the other one finishes', async (newBrowser) => {
  const page = await (await newBrowser()).newPage();
  const began = await clickSignIn(page, shop);
  const victim = servers.find(({ address }) => address === began);
  await victim.kill();
  const said = await signIn(page, shop, 'ann');
  assert.equal(said.outcome, 'signed_in');
  assert.equal(said.begunOn, victim.name);
  assert.notEqual(said.server, victim.name);
});

await story('no log line of either server, at TRACE, holds a secret', async () => {
  assert.ok(secrets.size > 20, 'too few secrets were noted to look for');
  for (const server of servers) {
    await server.stop();
    const log = readFileSync(server.log, 'utf8');
    assert.ok(log.includes('TRACE') && log.includes('outcome='), 'the log is not the trace it should be');
    for (const secret of secrets) {
      const at = log.indexOf(secret);
      const line = at < 0 ? '' : log.slice(log.lastIndexOf('\n', at) + 1, at).replaceAll(secret, '').slice(0, 120);
      assert.ok(at < 0, `a secret of ${secret.length} characters is in the log of server ${server.name}: ${line}`);
    }
  }
});

await browser.close();
await nginx.stop();
await provider.stop();
if (failed === 0) rmSync(folder, { recursive: true });
else console.log(`logs are kept in ${folder}`);
if (process.argv.includes('--update-screenshot')) copyFileSync(join(out, 'login.png'), join(here, '../../docs/login.png'));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
