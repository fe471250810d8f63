// Answers by form_post, both ways, in Chromium across two sites; and a provider that tampers with the redirect.
//
// Usage: DEMO_BINARY=target/debug/demo node providers.mjs

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OAuth2Server } from 'oauth2-mock-server';
import { chromium } from 'playwright-core';
import { CHROMIUM, freePort, rootKey, Server, startNginx, startProvider } from './services.mjs';
import { answer, arriveAtCallback, clickSignIn, signIn } from './person.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.DEMO_BINARY ?? join(here, '../../target/debug/demo');
const browser = await chromium.launch(CHROMIUM);
let passed = 0;
let failed = 0;

async function story(name, tell) {
  const context = await browser.newContext(tell.options);
  context.setDefaultTimeout(15_000);
  try {
    await tell(context);
    passed += 1;
    console.log(`ok  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`BAD ${name}\n${error.stack}`);
  }
  await context.close();
}

/** Two servers behind nginx by `localhost`; the provider goes by another host, so that it is another site. */
async function withShop(responseMode, provide, tell) {
  const folder = mkdtempSync(join(tmpdir(), 'oauth-state-providers-'));
  const port = await freePort();
  const shop = `http://localhost:${port}`;
  const client = { id: 'shop', secret: randomBytes(24).toString('base64url'), redirectUri: `${shop}/callback` };
  const provider = await provide(client);
  const settings = { public: shop, issuer: provider.issuer, client, keys: rootKey(), responseMode };
  const servers = ['A', 'B'].map((server) => new Server(binary, server, settings, folder));
  for (const server of servers) await server.start();
  const nginx = await startNginx(port, servers, folder);
  const log = () => servers.map((server) => readFileSync(server.log, 'utf8')).join('\n');
  await tell(shop, log, provider);
  for (const one of [nginx, ...servers, provider]) await one.stop();
  rmSync(folder, { recursive: true });
}

const certified = (client) => startProvider(client, new Set(), '127.0.0.1');

/** The POSTs that the shop's callback got. */
function posts(context, shop) {
  const seen = [];
  context.on('request', (request) => {
    if (request.method() === 'POST' && request.url().startsWith(`${shop}/callback`)) seen.push(request);
  });
  return seen;
}

const cookiesOf = async (request) => (await request.allHeaders()).cookie ?? '';

await withShop('form_post', certified, async (shop) => {
  await story('declared form_post: the SameSite=None cookie comes along, nothing in between', async (context) => {
    const seen = posts(context, shop);
    const page = await context.newPage();
    await clickSignIn(page, shop);
    assert.equal((await signIn(page, shop, 'ann')).outcome, 'signed_in');
    assert.equal(seen.length, 1);
    assert.match(await cookiesOf(seen[0]), /^__Host-[0-9a-f]{8}-n-/);
    const [cookie] = (await context.cookies()).filter(({ name }) => name.startsWith('__Host-'));
    assert.deepEqual([cookie.sameSite, cookie.secure, cookie.httpOnly], ['None', true, true]);
  });
  await story('four cold tabs by form_post', async (context) => {
    const pages = await Promise.all([1, 2, 3, 4].map(() => context.newPage()));
    await Promise.all(pages.map((page, tab) => clickSignIn(page, shop, `?tab=${tab}`)));
    for (const page of pages.reverse()) assert.equal((await signIn(page, shop, 'ann')).outcome, 'signed_in');
  });
});

await withShop('form_post_reposted', certified, async (shop, log, provider) => {
  await story('reposted: the Lax cookie does not come, the page posts once more, the login finishes', async (context) => {
    const seen = posts(context, shop);
    const page = await context.newPage();
    const complaints = [];
    page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
    await clickSignIn(page, shop);
    await arriveAtCallback(page, shop, 'ann');
    await page.waitForSelector('main');
    assert.equal((await answer(page)).outcome, 'signed_in');
    assert.equal(seen.length, 2);
    assert.doesNotMatch(await cookiesOf(seen[0]), /__Host-/);
    assert.match(await cookiesOf(seen[1]), /__Host-[0-9a-f]{8}-l-/);
    assert.deepEqual(complaints.filter((text) => /Content Security Policy/.test(text)), []);
    await page.goto(`${shop}/`);
    await page.goBack().catch(() => {}); // the browser asks before it posts again, and nobody answers
    assert.equal((log().match(/outcome="signed_in"/g) ?? []).length, 1, 'the back button signs nobody in twice');
  });
  const withoutScripts = async (context) => {
    const page = await context.newPage();
    await clickSignIn(page, shop);
    await page.fill('input[name=login]', 'ann');
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
    await page.click('button[type=submit]');
    // The provider's own page has a button, too; then comes the shop's.
    for (const at of [provider.issuer, `${shop}/callback`]) {
      await page.waitForURL((url) => url.href.startsWith(at) && !url.pathname.startsWith('/interaction'));
      await page.click('noscript button, form button');
    }
    await page.waitForSelector('main');
    assert.equal((await answer(page)).outcome, 'signed_in');
  };
  withoutScripts.options = { javaScriptEnabled: false };
  await story('reposted, without scripts: by the button', withoutScripts);
});

await withShop('query', certified, async (shop) => {
  await story('across two sites by query: the Lax cookie comes; a prefetch of the callback uses nothing up', async (context) => {
    const page = await context.newPage();
    await clickSignIn(page, shop);
    await context.setExtraHTTPHeaders({ 'X-Pin': 'nobody' });
    await arriveAtCallback(page, shop, 'ann');
    const link = page.url();
    await context.setExtraHTTPHeaders({});
    await page.goto(`${shop}/`);
    const prefetched = page.waitForResponse((response) => response.url() === link);
    await page.evaluate((href) => {
      document.head.append(Object.assign(document.createElement('link'), { rel: 'prefetch', href }));
    }, link);
    assert.equal((await prefetched).status(), 503);
    await page.goto(link);
    assert.equal((await answer(page)).outcome, 'signed_in');
    await page.goto(`${shop}/`);
    await page.goBack();
    assert.match((await answer(page)).outcome, /^(already_used|invalid_grant|signed_in)$/);
  });
});

/** `oauth2-mock-server`, which lets a test change the redirect. */
async function tampering() {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  await server.start(await freePort(), '127.0.0.1');
  server.issuer.url = `http://127.0.0.1:${server.address().port}`;
  return { issuer: server.issuer.url, service: server.service, stop: () => server.stop() };
}

await withShop('query', tampering, async (shop, _, { service, issuer }) => {
  const other = (state) => state.slice(0, 60) + (state[60] === 'A' ? 'B' : 'A') + state.slice(61);
  const upper = (state) => state.toUpperCase();
  const changes = {
    'the state changed by one character': ['forged', (query) => query.set('state', other(query.get('state')))],
    'the state in capitals': ['malformed', (query) => query.set('state', upper(query.get('state')))],
    'the state cut short': ['malformed', (query) => query.set('state', query.get('state').slice(0, 40))],
    'the state encoded twice': ['malformed', (query) => query.set('state', encodeURIComponent(`${query.get('state')}=`))],
    'the state dropped': ['missing_state', (query) => query.delete('state')],
    'the state doubled': ['duplicate_parameter', (query) => query.append('state', query.get('state'))],
    'the iss of another': ['issuer_mismatch', (query) => query.set('iss', 'http://login.mallory.example')],
    'the iss dropped': ['issuer_missing', (query) => query.delete('iss')],
    'error and code together': ['code_and_error', (query) => query.set('error', 'access_denied')],
    'the code dropped': ['code_missing', (query) => query.delete('code')],
  };
  for (const [name, [expected, change]] of Object.entries(changes)) {
    await story(`tampering: ${name}: ${expected}, and the genuine answer is not used up`, async (context) => {
      let genuine;
      service.once('beforeAuthorizeRedirect', ({ url }) => {
        url.searchParams.set('iss', issuer);
        genuine = url.href;
        change(url.searchParams);
      });
      const page = await context.newPage();
      await page.goto(`${shop}/login`);
      await page.waitForURL(`${shop}/callback**`);
      assert.equal((await answer(page)).outcome, expected);
      await page.goto(genuine);
      // The state is taken; what comes after is between the example and the mock.
      const { outcome } = await answer(page);
      assert.ok(['signed_in', 'id_token_refused'].includes(outcome), outcome);
    });
  }
  await story('tampering: the state of a login in another browser: other_browser', async (context) => {
    const elsewhere = await browser.newContext();
    let foreign;
    service.once('beforeAuthorizeRedirect', ({ url }) => { foreign = url.searchParams.get('state'); });
    await (await elsewhere.newPage()).goto(`${shop}/login`);
    await elsewhere.close();
    service.once('beforeAuthorizeRedirect', ({ url }) => {
      url.searchParams.set('iss', issuer);
      url.searchParams.set('state', foreign);
    });
    const page = await context.newPage();
    await page.goto(`${shop}/login`);
    await page.waitForURL(`${shop}/callback**`);
    assert.equal((await answer(page)).outcome, 'other_browser');
  });
});

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
