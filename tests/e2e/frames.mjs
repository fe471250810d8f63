// Logins in frames: silent in a frame of the service's own pages, and in a frame of a portal on another site. What a browser refuses to
// show, and which cookies it keeps where, only a browser can say.
//
// Usage: DEMO_BINARY=target/debug/demo node frames.mjs

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';
import { chromium } from 'playwright-core';
import { CHROMIUM, freePort, rootKey, Server, startNginx, startProvider } from './services.mjs';
import { createServer } from 'node:http';
import { clickSignIn, signIn } from './person.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.DEMO_BINARY ?? join(here, '../../target/debug/demo');
const folder = mkdtempSync(join(tmpdir(), 'oauth-state-frames-'));
const [PORTAL, OTHER] = ['https://portal.example', 'https://other.example'];

/**
 * A fake provider that asks nothing: it sends each login back at once, with a code that its token endpoint does not know. With `holds`, it
 * keeps the login's callback and shows a page.
 */
async function startFakeProvider() {
  const provider = { holds: false };
  const server = createServer((request, response) => {
    const url = new URL(request.url, provider.issuer);
    const json = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/.well-known/openid-configuration') {
      return json(200, {
        issuer: provider.issuer,
        authorization_endpoint: `${provider.issuer}/auth`,
        token_endpoint: `${provider.issuer}/token`,
        jwks_uri: `${provider.issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
    }
    if (url.pathname === '/jwks') return json(200, { keys: [] });
    if (url.pathname === '/token') return json(400, { error: 'invalid_grant' });
    const { redirect_uri: redirectUri, state } = Object.fromEntries(url.searchParams);
    provider.callback = `${redirectUri}?${new URLSearchParams({ code: 'unknown', state, iss: provider.issuer })}`;
    if (!provider.holds) return response.writeHead(303, { location: provider.callback }).end();
    return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><main data-outcome="at the provider"></main>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  provider.issuer = `http://localhost:${server.address().port}`;
  provider.stop = () => new Promise((done) => { server.closeAllConnections(); server.close(done); });
  return provider;
}

/** A service behind nginx that lets logins start in these frames. */
async function startService(name, frames, start) {
  const port = await freePort();
  const shop = `http://localhost:${port}`;
  const client = { id: 'shop', secret: randomBytes(24).toString('base64url'), redirectUri: `${shop}/callback` };
  const provider = await start(client, new Set());
  const server = new Server(binary, name, { public: shop, issuer: provider.issuer, client, keys: rootKey(), flags: frames ? ['--frames', frames] : [] }, folder);
  await server.start();
  const nginx = await startNginx(port, [server], join(folder, name));
  return { shop, provider, stop: async () => { await nginx.stop(); await server.stop(); await provider.stop(); } };
}

const [none, own, embedded] = await Promise.all([
  startService('none', undefined, startFakeProvider),
  startService('own', 'own', startProvider),
  startService('embedded', PORTAL, startFakeProvider),
]);
// Chromium asks before a page that came from nowhere, as these portals do, reaches this machine.
const browser = await chromium.launch({ ...CHROMIUM, args: [...CHROMIUM.args, '--disable-features=LocalNetworkAccessChecks'] });

let passed = 0;
let failed = 0;
/** Runs one story in a fresh browser. */
async function story(name, tell) {
  const context = await browser.newContext();
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

/** A page at `address` whose frame shows `inside`; gives the frame. */
async function frameIn(context, address, inside) {
  await context.route(address, (route) => route.fulfill({ contentType: 'text/html', body: `<!doctype html><iframe src="${inside}"></iframe>` }));
  const page = await context.newPage();
  await page.goto(address);
  return page.mainFrame().childFrames()[0];
}

/** What the service's page in a frame says, once it is there. */
const answerIn = (frame) => frame.locator('main').getAttribute('data-outcome');

await story('a frame of the service\'s own page signs in silently', async (context) => {
  const page = await context.newPage();
  await clickSignIn(page, own.shop);
  assert.equal((await signIn(page, own.shop, 'ann')).outcome, 'signed_in');
  const frame = await frameIn(context, `${own.shop}/silent`, `${own.shop}/login`);
  assert.equal(await answerIn(frame), 'signed_in');
  const kept = (await context.cookies()).filter(({ name }) => name.startsWith('__Host-'));
  assert.deepEqual(kept.map(({ sameSite, httpOnly, secure }) => [sameSite, httpOnly, secure]).sort(), [['Lax', true, true], ['None', true, true]]);
});

await story('a portal of another site embeds the service, and each portal has a jar of its own', async (context) => {
  const frame = await frameIn(context, `${PORTAL}/apps`, `${embedded.shop}/login`);
  // Every check passed and the state is used: only the code is nobody's.
  assert.equal(await answerIn(frame), 'invalid_grant');
  const [cookie, ...more] = (await context.cookies()).filter(({ name }) => name.startsWith('__Host-'));
  assert.equal(more.length, 0);
  assert.match(JSON.stringify(cookie), /portal\.example/, 'the cookie belongs to this portal');
});

await story('the login of one portal does not finish in a frame of another, nor in a window of its own', async (context) => {
  embedded.provider.holds = true;
  assert.equal(await answerIn(await frameIn(context, `${PORTAL}/apps`, `${embedded.shop}/login`)), 'at the provider');
  const { callback } = embedded.provider;
  embedded.provider.holds = false;
  assert.equal(await answerIn(await frameIn(context, `${OTHER}/`, callback)), 'cookie_missing');
  const page = await context.newPage();
  await page.goto(callback);
  assert.equal(await answerIn(page.mainFrame()), 'cookie_missing');
  assert.equal(await answerIn(await frameIn(context, `${PORTAL}/again`, callback)), 'invalid_grant', 'the portal\'s own frame finishes it');
});

await story('without the option no login starts in a frame', async (context) => {
  for (const [service, address] of [[none, `${none.shop}/silent`], [none, `${PORTAL}/`], [own, `${PORTAL}/`]]) {
    const frame = await frameIn(context, address, `${service.shop}/login`);
    await frame.waitForURL(/./);
    const cookies = (await context.cookies()).filter(({ name }) => name.startsWith('__Host-'));
    assert.equal(cookies.length, 0, 'nothing started');
    await context.unroute(address);
  }
});

await story('no other site can lay itself over a page of the crate', async (context) => {
  // A page of the crate with a button: the answer to a login start that is refused.
  const refusedIn = async (service, address) => {
    await context.route(`${service.shop}/login`, async (route) => {
      const headers = { ...route.request().headers(), 'sec-purpose': 'prefetch' };
      route.fulfill({ response: await route.fetch({ headers }) });
    });
    const frame = await frameIn(context, address, `${service.shop}/login`);
    const button = await frame.locator('a').count().catch(() => 0);
    await context.unroute(address);
    await context.unroute(`${service.shop}/login`);
    return button === 1 ? 'shown' : 'not shown';
  };
  assert.equal(await refusedIn(embedded, `${PORTAL}/`), 'shown');
  assert.equal(await refusedIn(embedded, `${OTHER}/`), 'not shown');
  assert.equal(await refusedIn(own, `${own.shop}/silent`), 'shown');
  assert.equal(await refusedIn(own, `${PORTAL}/`), 'not shown');
  assert.equal(await refusedIn(none, `${none.shop}/silent`), 'not shown');
});

await browser.close();
await Promise.all([none, own, embedded].map((service) => service.stop()));
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
