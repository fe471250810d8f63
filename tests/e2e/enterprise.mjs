// The example `enterprise` end to end: two companies on two hosts, each with a certified oidc-provider that insists on pushed
// requests, and Chromium.
//
// Usage: ENTERPRISE_BINARY=target/debug/examples/enterprise node enterprise.mjs

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { CHROMIUM, freePort, rootKey, startProvider } from './services.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.ENTERPRISE_BINARY ?? join(here, '../../target/debug/examples/enterprise');
const folder = mkdtempSync(join(tmpdir(), 'oauth-state-enterprise-'));
const secrets = new Set();
const port = await freePort();

/** A company with a provider of its own. Cookies ignore the port, so the providers need different hosts. */
async function company(name, providerHost) {
  const url = `http://${name.toLowerCase()}.localhost:${port}`;
  const client = { id: `shop at ${name}`, secret: randomBytes(24).toString('base64'), redirectUri: `${url}/auth/sso/callback` };
  const provider = await startProvider(client, secrets, providerHost, { pushed: true });
  secrets.add(client.secret);
  const connection = { id: 'sso', issuer: provider.issuer, client_id: client.id, client_secret: client.secret };
  return { name, url, client, provider, row: { tenant: randomUUID(), name, url, connections: [connection] } };
}

const [acme, zeta] = [await company('Acme', 'localhost'), await company('Zeta', '127.0.0.1')];
const file = join(folder, 'customers.json');
writeFileSync(file, JSON.stringify([acme.row, zeta.row]), { mode: 0o600 });
const keys = rootKey();
secrets.add(keys);
const listen = await freePort();
const service = spawn(binary, [], {
  env: { CUSTOMERS_FILE: file, OAUTH_STATE_KEYS: keys, LISTEN: `127.0.0.1:${listen}` },
  stdio: ['ignore', 'pipe', 'pipe'],
});
process.on('exit', () => service.kill('SIGKILL'));
let log = '';
service.stderr.setEncoding('utf8').on('data', (text) => { log += text; });
await Promise.race([
  once(createInterface(service.stdout), 'line'),
  once(service, 'exit').then(() => { throw new Error(`the example did not start: ${log}`); }),
]);

// In front of the service, on the address that browsers use: it notes what they send, adds a policy to the company's page, and has a
// service worker that passes every request on.
const seen = [];
let policy;
const WORKER = `
  self.addEventListener('install', () => self.skipWaiting());
  self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener('fetch', (event) => event.respondWith(fetch(event.request)));`;
const INSTALLER = `<!doctype html><main></main><script>
  navigator.serviceWorker.addEventListener('controllerchange', () => { document.querySelector('main').id = 'controlled'; });
  navigator.serviceWorker.register('/worker.js');
</script>`;
const front = createServer((incoming, response) => {
  const { method, url, headers } = incoming;
  seen.push({ method, url, headers });
  const own = { '/worker.js': ['text/javascript', WORKER], '/worker': ['text/html', INSTALLER] }[url];
  if (own) return response.writeHead(200, { 'content-type': own[0] }).end(own[1]);
  const outgoing = request({ host: '127.0.0.1', port: listen, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode, [...answer.rawHeaders, ...(policy && url === '/' ? ['content-security-policy', policy] : [])]);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  return incoming.pipe(outgoing);
}).listen(port, '127.0.0.1');
await once(front, 'listening');
const browser = await chromium.launch(CHROMIUM);

let passed = 0;
let failed = 0;
/** Runs one story in a fresh browser; `logged(text)` waits until the service has logged it in this story. */
async function story(name, tell) {
  const context = await browser.newContext();
  context.setDefaultTimeout(15_000);
  const start = log.length;
  const logged = async (text) => {
    const deadline = AbortSignal.timeout(15_000);
    while (!log.slice(start).includes(text)) await once(service.stderr, 'data', { signal: deadline });
  };
  try {
    await tell(await context.newPage(), logged);
    passed += 1;
    console.log(`ok  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`BAD ${name}\n${error.stack}\nthe service logged:\n${log.slice(start)}`);
  }
  for (const { name: cookie, value } of await context.cookies()) if (cookie.startsWith('__Host-')) secrets.add(value);
  await context.close();
}

const loginForm = 'input[name=login]';
const start = ({ url }, query = '') => `${url}/auth/sso?${query}`;

/** Answers the provider's login page; without a name, as the user whom the page suggests. */
async function authenticate(page, name) {
  if (name) await page.fill(loginForm, name);
  await page.fill('input[name=password]', 'any');
  await page.click('button[type=submit]');
  const consent = page.locator('input[name=prompt][value=consent]');
  await consent.or(page.locator('main')).waitFor({ state: 'attached' });
  if (await consent.count()) await page.click('button[type=submit]');
  await page.waitForSelector('main');
}

async function signIn(page, at, name, query) {
  await page.goto(start(at, query));
  await authenticate(page, name);
}

/** The session, as the company's page shows it. */
async function session(page, { url }) {
  await page.goto(url);
  return page.locator('main').evaluate((main) => Object.fromEntries([...main.querySelectorAll('dd')].map((dd) => [dd.id, dd.textContent])));
}

await story('a hint and a campaign: both arrive, and the browser carries only client_id and request_uri', async (page, logged) => {
  const addresses = [];
  page.on('request', (request) => {
    const address = new URL(request.url());
    if (request.isNavigationRequest() && address.origin === acme.provider.issuer && address.pathname === '/auth') addresses.push(address);
  });
  await page.goto(start(acme, 'campaign=7&login_hint=ann%40acme.example'));
  assert.equal(await page.inputValue(loginForm), 'ann@acme.example');
  await authenticate(page);
  assert.equal(page.url(), `${acme.url}/#`);
  assert.deepEqual(await session(page, acme), { company: 'Acme', user: 'ann@acme.example', campaign: '7', confirmed: 'no' });
  assert.equal(addresses.length, 1);
  assert.deepEqual([...addresses[0].searchParams.keys()].sort(), ['client_id', 'request_uri']);
  const pushed = acme.provider.requests.at(-1);
  assert.equal(pushed.status, 201);
  assert.equal(pushed.login_hint, 'ann@acme.example');
  assert.equal(pushed.code_challenge_method, 'S256');
  assert.equal(pushed.redirect_uri, `${acme.url}/auth/sso/callback`);
  assert.ok(pushed.state && pushed.nonce);
  await logged('code="signed_in" campaign=7');
});

await story('the providers accept no request that was not pushed, and no push without the client\'s secret', async () => {
  const parameters = { client_id: acme.client.id, redirect_uri: acme.client.redirectUri, response_type: 'code', scope: 'openid', code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' };
  const direct = await fetch(`${acme.provider.issuer}/auth?${new URLSearchParams(parameters)}`, { redirect: 'manual' });
  assert.match(direct.headers.get('location') ?? await direct.text(), /Pushed(%20|\+| )Authorization(%20|\+| )Request/);
  const pushed = await fetch(`${acme.provider.issuer}/request`, { method: 'POST', body: new URLSearchParams(parameters) });
  assert.deepEqual([pushed.status, (await pushed.json()).error], [401, 'invalid_client']);
});

await story('two companies in one browser: each has its own user, and neither session counts at the other', async (page) => {
  const context = page.context();
  await signIn(page, acme, 'ann');
  assert.deepEqual(await session(page, zeta), {});
  await signIn(page, zeta, 'ann', 'campaign=8');
  assert.deepEqual(await session(page, zeta), { company: 'Zeta', user: 'ann', campaign: '8', confirmed: 'no' });
  assert.deepEqual(await session(page, acme), { company: 'Acme', user: 'ann', campaign: '0', confirmed: 'no' });
  const [{ value }] = (await context.cookies(acme.url)).filter(({ name }) => name === '__Host-session');
  await context.clearCookies({ domain: 'zeta.localhost' });
  await page.goto(zeta.url);
  await page.evaluate((text) => { document.cookie = text; }, `__Host-session=${value}; Path=/; Secure`);
  assert.ok((await context.cookies(zeta.url)).some((cookie) => cookie.value === value), 'Zeta gets the cookie of Acme');
  assert.deepEqual(await session(page, zeta), {});
});

await story('Acme\'s callback at Zeta\'s host: refused, and nothing is used up', async (page, logged) => {
  await page.goto(start(zeta)); // so that this browser has a login cookie at Zeta as well
  await page.goto(start(acme));
  const [callback] = await Promise.all([acme.provider.nextCallback(), authenticate(page, 'ann')]);
  const refused = await page.goto(callback.replace(acme.url, zeta.url));
  assert.equal(refused.status(), 400);
  await logged('code="wrong_tenant"');
  assert.deepEqual(await session(page, zeta), {});
  await page.goto(callback);
  assert.equal((await session(page, acme)).user, 'ann');
});

await story('a connection that the company does not have, and a host that is no company\'s: 404', async (page, logged) => {
  assert.equal((await page.goto(`${acme.url}/auth/other`)).status(), 404);
  assert.equal((await page.goto(`http://evil.localhost:${port}/auth/sso`)).status(), 404);
  await logged('code="unknown_provider"');
});

await story('step-up asks again despite the provider\'s session, and is confirmed by auth_time', async (page, logged) => {
  await signIn(page, acme, 'ann');
  await page.goto(start(acme)); // the provider's session signs the user in without a question
  await page.waitForURL(`${acme.url}/#`);
  assert.equal((await session(page, acme)).confirmed, 'no');
  await page.click('button:has-text("Confirm")');
  await page.waitForSelector(loginForm);
  const { status, prompt, max_age: maxAge } = acme.provider.requests.at(-1);
  assert.deepEqual([status, prompt, maxAge], [201, 'login', '0']);
  await authenticate(page, 'ann');
  assert.deepEqual(await session(page, acme), { company: 'Acme', user: 'ann', campaign: '0', confirmed: 'yes' });
  await logged('code="confirmed"');
});

await story('another account at the step-up: refused', async (page, logged) => {
  await signIn(page, acme, 'ann');
  await page.click('button:has-text("Confirm")');
  await authenticate(page, 'bob');
  await page.waitForURL(`${acme.url}/auth/sso/callback**`);
  assert.match(await page.textContent('main'), /not the account that you are signed in with/);
  await logged('code="other_account"');
  assert.deepEqual(await session(page, acme), { company: 'Acme', user: 'ann', campaign: '0', confirmed: 'no' });
});

await story('a provider whose auth_time is an hour old: the step-up is not confirmed', async (page, logged) => {
  await signIn(page, acme, 'ann');
  await page.click('button:has-text("Confirm")');
  await page.waitForSelector(loginForm);
  const { sessions } = acme.provider;
  const { authTime } = sessions;
  sessions.authTime = function anHourAgo() { return authTime.call(this) - 3600; };
  try {
    await authenticate(page, 'ann');
  } finally {
    sessions.authTime = authTime;
  }
  assert.match(await page.textContent('main'), /did not ask you to sign in again/);
  await logged('code="stale_authentication"');
  assert.equal((await session(page, acme)).confirmed, 'no');
});

await story('a page with form-action \'self\': the step-up leaves for the provider all the same', async (page) => {
  await signIn(page, acme, 'ann');
  policy = "form-action 'self'";
  const blocked = [];
  page.on('console', (message) => { if (message.text().includes('form-action')) blocked.push(message.text()); });
  await page.goto(`${acme.url}/`);
  await page.click('button:has-text("Confirm")');
  await page.waitForSelector(loginForm);
  policy = undefined;
  assert.deepEqual(blocked, []);
  // The page in between left no entry in the history.
  await page.goBack();
  assert.equal(page.url(), `${acme.url}/`);
});

await story('a service worker that passes navigations on: the login starts', async (page) => {
  await page.goto(`${acme.url}/worker`);
  await page.waitForSelector('#controlled', { state: 'attached' });
  await page.goto(start(acme));
  await page.waitForSelector(loginForm);
  const { headers } = seen.findLast(({ url }) => url.startsWith('/auth/sso'));
  assert.deepEqual([headers['sec-fetch-mode'], headers['sec-fetch-dest']], ['navigate', 'empty']);
  await authenticate(page, 'ann');
  assert.equal((await session(page, acme)).user, 'ann');
});

await story('a callback that ends in #_=_: the page after the login does not', async (page) => {
  await page.goto(start(acme));
  const [callback] = await Promise.all([acme.provider.nextCallback(), authenticate(page, 'ann')]);
  await page.goto(`${callback}#_=_`);
  assert.equal(await page.evaluate(() => location.hash), '');
  assert.equal(new URL(page.url()).pathname, '/');
});

await story('120 restored tabs leave less than 4 KiB of cookies after the next login', async (page) => {
  // Each tab starts a login before any of them has a cookie; the browser keeps all their cookies.
  const restored = await Promise.all(Array.from({ length: 120 }, async () => {
    const started = request({ host: '127.0.0.1', port, path: '/auth/sso', headers: { host: new URL(acme.url).host } }).end();
    const [response] = await once(started, 'response');
    response.resume();
    const [name, value] = response.headers['set-cookie'][0].split(';')[0].split('=');
    return { name, value, domain: new URL(acme.url).hostname, path: '/', httpOnly: true, secure: true, sameSite: 'Lax' };
  }));
  await page.context().addCookies(restored);
  await signIn(page, acme, 'ann');
  const sent = (path) => seen.findLast(({ url }) => url.startsWith(path)).headers.cookie;
  assert.ok(sent('/auth/sso?').length > 8_000, 'all of them came');
  assert.equal((await session(page, acme)).user, 'ann');
  assert.ok(sent('/').length < 4_096, `${sent('/').length} bytes of cookies`);
});

await story('the user says no: on_denied answers, with the campaign', async (page, logged) => {
  await page.goto(start(acme, 'campaign=9'));
  await page.click('a[href$="/abort"]');
  await page.waitForURL(`${acme.url}/auth/sso/callback**`);
  assert.equal(await page.textContent('main'), 'You chose not to sign in.');
  await logged('code="denied" campaign=9');
  assert.deepEqual(await session(page, acme), {});
});

await story('no log line of the service holds a secret', async () => {
  service.kill('SIGTERM');
  await once(service.stderr, 'end');
  assert.ok(secrets.size > 20, 'too few secrets were noted to look for');
  assert.ok(log.includes('code='), 'the service logged nothing');
  for (const secret of secrets) assert.ok(!log.includes(secret), `a secret of ${secret.length} characters is in the log`);
});

await browser.close();
front.closeAllConnections();
front.close();
for (const { provider } of [acme, zeta]) await provider.stop();
rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
