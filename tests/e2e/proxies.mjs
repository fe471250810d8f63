// Logins through real proxies, nginx and HAProxy, each with one setting that changes requests or responses. A login either works, or the
// server's log names the cause. What a proxy makes of a request depends on no browser, so a small one in proxies/browser.mjs is enough.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';
import { Browser, SHOP } from './proxies/browser.mjs';
import { startProxy } from './proxies/start.mjs';
import { rootKey, Server, startProvider } from './services.mjs';

const usage = `Usage: DEMO_BINARY=target/debug/demo node proxies.mjs

Needs nginx and haproxy. Starts oidc-provider, three demo servers and the proxies on free loopback ports, and stops them.

  -h, --help           this text

DEMO_BINARY is the demo, built with \`--features openid\` (default: target/debug/demo).`;
const args = process.argv.slice(2);
if (args.length > 0) {
  const wanted = args.every((arg) => ['-h', '--help'].includes(arg));
  console[wanted ? 'log' : 'error'](wanted ? usage : `unknown option: ${args.join(' ')}\n${usage}`);
  process.exit(wanted ? 0 : 2);
}

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.DEMO_BINARY ?? join(here, '../../target/debug/demo');
const folder = mkdtempSync(join(tmpdir(), 'oauth-state-proxies-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
// An exit ends the processes, too; the default of these signals would leave them behind.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

let passed = 0;
let failed = 0;
async function check(name, test) {
  try {
    await test();
    passed += 1;
    console.log(`ok  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`BAD ${name}\n${error.stack}`);
  }
}

/** A server, and what it logs of refusals. */
async function startServer(name, provider, client, settings = {}) {
  const server = new Server(binary, name, { public: `https://${SHOP}`, issuer: provider.issuer, client, keys, ...settings }, folder);
  const started = server.start();
  process.on('exit', () => server.process.kill('SIGKILL'));
  await Promise.race([started, once(server.process, 'exit').then(() => assert.fail(`server ${name}: ${readFileSync(server.log, 'utf8')}`))]);
  let heard = () => {};
  createInterface(server.process.stderr).on('line', (line) => { if (/callback refused|login not started/.test(line)) heard(line); });
  /** What `act` gives, and the line about the refusal that it leads to. */
  const refusal = async (act) => {
    let deadline;
    const logged = new Promise((found, missing) => {
      heard = found;
      deadline = setTimeout(() => missing(new Error(`server ${name} logged no refusal`)), 5_000);
    });
    try {
      const [result, line] = await Promise.all([act(), logged]);
      return { result, line };
    } finally {
      clearTimeout(deadline);
    }
  };
  return { address: server.address, stop: () => server.stop(), refusal };
}

/** The callback of a login is refused as `cookie_missing`, and the log names the cause. */
async function isRefused(server, browser, diagnosis) {
  const { result, line } = await server.refusal(() => browser.login());
  assert.equal(result, 'cookie_missing');
  assert.match(line, /code="cookie_missing"/);
  assert.match(line, diagnosis);
}

/** As many bytes of other cookies as a site may have: analytics, consent, experiments, a session. */
function keepCookiesOfSite(browser, bytes) {
  const names = ['_ga', '_gid', '_gcl_au', '_fbp', '_hjSessionUser_1234567', 'ajs_anonymous_id', 'ajs_user_id', 'OptanonConsent',
    'OptanonAlertBoxClosed', 'intercom-id-shop', 'intercom-session-shop', '__stripe_mid', '__stripe_sid', 'cf_clearance', 'AWSALB',
    'AWSALBCORS', 'lang', 'currency', 'cart', 'session'];
  const each = Math.floor(bytes / names.length);
  for (const name of names) browser.keep(name, 'x'.repeat(each - name.length - '=; '.length));
  return browser;
}

/** The cookies of 60 tabs that were restored at once: none of their login starts had a cookie yet. */
async function keepCookiesOfManyTabs(browser) {
  for (let tab = 0; tab < 60; tab += 1) {
    const other = new Browser(browser.port);
    await other.start();
    browser.jar.push(...other.loginCookies());
  }
}

const stops = [];
/** Notes that something has to be stopped at the end. */
const stopped = (service) => { stops.unshift(service.stop); return service; };
const keys = rootKey();

async function tests() {
  const client = { id: 'shop', secret: randomBytes(24).toString('base64url'), redirectUri: `https://${SHOP}/callback` };
  const provider = stopped(await startProvider(client, new Set()));
  const [app, withHostHeader, withCookieName] = (await Promise.all([
    startServer('A', provider, client),
    startServer('B', provider, client, { flags: ['--host-header', 'x-forwarded-host'] }),
    startServer('C', provider, client, { flags: ['--cookie-name', '__session'] }),
  ])).map(stopped);
  const upstreams = {
    app: app.address,
    app_with_host_header: withHostHeader.address,
    app_with_cookie_name: withCookieName.address,
  };
  const nginx = stopped(await startProxy('nginx', 'nginx.conf', upstreams, folder));
  const haproxy = stopped(await startProxy('haproxy', 'haproxy.conf', upstreams, folder));
  const haproxy4k = stopped(await startProxy('haproxy', 'haproxy-4k.conf', upstreams, folder));

  for (const [name, proxy] of [['nginx', nginx], ['HAProxy', haproxy]]) {
    const browserAt = (setting, options) => new Browser(proxy.port(setting), options);

    await check(`${name} with the recommended settings: a login works`, async () => {
      assert.equal(await browserAt('recommended').login(), 'signed_in');
    });

    await check(`${name} replaces Host: the login start is refused and names the setting, before a cookie is set for the wrong host`, async () => {
      const browser = browserAt('replaces_host');
      const { result, line } = await app.refusal(() => browser.start());
      assert.equal(result.status, 500);
      assert.deepEqual(result.setCookie, []);
      assert.match(line, /login not started.*if a proxy replaces the Host header, set FlowBuilder::public_hosts or trusted_host_header/);
    });

    await check(`${name} replaces Host and sends X-Forwarded-Host: a login works with the trusted header`, async () => {
      assert.equal(await browserAt('replaces_host_and_sends_it').login(), 'signed_in');
    });

    await check(`${name} passes one cookie of another name: the diagnosis names such proxies`, async () => {
      const browser = browserAt('passes_one_cookie').keep('__session', 'of the site');
      await isRefused(app, browser, /other cookies came.*a proxy passes only cookies with certain names \(FlowBuilder::dangerously_name_cookie\)/);
    });

    await check(`${name} passes one cookie that the browser does not have: the diagnosis names proxies that strip cookies`, async () => {
      await isRefused(app, browserAt('passes_one_cookie'), /no cookies came at all.*a proxy strips them/);
    });

    await check(`${name} passes one cookie, which the login uses: a login works`, async () => {
      const browser = browserAt('passes_one_cookie_of_ours').keep('lang', 'en');
      assert.equal(await browser.login(), 'signed_in');
      assert.deepEqual(browser.loginCookies().map(({ name: cookie }) => cookie), ['__session']);
    });

    await check(`${name} strips all cookies: the diagnosis names such proxies`, async () => {
      await isRefused(app, browserAt('strips_cookies').keep('lang', 'en'), /no cookies came at all.*a proxy strips them/);
    });

    await check(`${name} joins cookies by commas: the diagnosis names the comma`, async () => {
      await isRefused(app, browserAt('joins_cookies_by_commas').keep('lang', 'en'), /a comma joins the login's cookie to another one: a proxy joined the Cookie lines/);
    });

    await check(`${name} takes HTTP/2 with a line for each cookie: a login works`, async () => {
      const browser = browserAt('http2', { useHttp2: true }).keep('lang', 'en').keep('cart', '17');
      assert.equal(await browser.login(), 'signed_in');
    });

    await check(`${name} speaks plain http with browsers: the diagnosis names plain http`, async () => {
      const browser = browserAt('plain_http', { scheme: 'http' }).keep('lang', 'en');
      await isRefused(app, browser, /came over plain http \(X-Forwarded-Proto\).*serve the site over https/);
    });

    await check(`${name} says http behind a proxy that ends TLS: a login works, because the header decides nothing`, async () => {
      assert.equal(await browserAt('plain_http').login(), 'signed_in');
    });

    await check(`${name} drops Origin and Sec-Fetch-*: a login works, but an image can start one as well`, async () => {
      const image = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image', 'sec-fetch-site': 'cross-site' };
      assert.equal(await browserAt('drops_fetch_metadata').login(), 'signed_in');
      assert.equal((await browserAt('drops_fetch_metadata').start(image)).status, 303);
      const { result, line } = await app.refusal(() => browserAt('recommended').start(image));
      assert.notEqual(result.status, 303);
      assert.match(line, /login not started.*starts on a document navigation only/);
    });

    await check(`${name} caps response headers at 4 KiB: a browser with 60 login cookies starts logins, and gets rid of them`, async () => {
      const browser = browserAt('caps_response_headers');
      await keepCookiesOfManyTabs(browser);
      const left = [];
      for (let start = 0; start < 3; start += 1) {
        const { status, setCookie } = await browser.start();
        assert.equal(status, 303);
        assert.ok(setCookie.filter((line) => /Max-Age=0/.test(line)).length <= 32, 'at most 32 are deleted at once');
        left.push(browser.loginCookies().length);
      }
      assert.deepEqual(left, [28, 8, 8]);
      const { response } = browser.longest;
      assert.ok(response > 2_500 && response <= 4_096, `the longest response had ${response} bytes of headers`);
      assert.equal(await browser.login(), 'signed_in');
    });
  }

  await check('nginx caps response headers at 2 KiB: a login works, but a browser with 60 login cookies gets an error of nginx', async () => {
    const browser = new Browser(nginx.port('caps_response_headers_at_2k'));
    assert.equal(await browser.login(), 'signed_in');
    await keepCookiesOfManyTabs(browser);
    assert.equal((await browser.start()).status, 502);
    assert.match(readFileSync(join(folder, 'nginx-error.log'), 'utf8'), /upstream sent too big header while reading response header/);
  });

  await check('HAProxy speaks HTTP/2 to the server alone: a login works', async () => {
    assert.equal(await new Browser(haproxy.port('http2_to_the_server')).keep('lang', 'en').login(), 'signed_in');
  });

  // HAProxy joins the cookies, and keeps the form in which the browser named the host.
  await check('HAProxy speaks HTTP/2 on both sides: a login works with :authority and no Host', async () => {
    const browser = new Browser(haproxy.port('http2_on_both_sides'), { useHttp2: true });
    assert.equal(await browser.keep('lang', 'en').keep('cart', '17').login(), 'signed_in');
  });

  await check('a load balancer that passes HTTP/2 on as it is: a login works with :authority and a line for each cookie', async () => {
    const browser = new Browser(app.address.split(':')[1], { useHttp2: true });
    assert.equal(await browser.keep('lang', 'en').keep('cart', '17').login(), 'signed_in');
  });

  // nginx caps each line, HAProxy all of them together.
  const caps = [['nginx', nginx, 3_960, /400 Request Header Or Cookie Too Large/], ['HAProxy', haproxy4k, 3_200, /400 Bad request/]];
  for (const [name, proxy, bytes, answer] of caps) {
    const newBrowser = () => new Browser(proxy.port('caps_request_headers'));
    await check(`${name} caps request headers at 4 KiB: a login works, also with 20 other cookies up to the cap`, async () => {
      assert.equal(await newBrowser().login(), 'signed_in');
      const browser = keepCookiesOfSite(newBrowser(), bytes);
      assert.equal(await browser.login(), 'signed_in');
      assert.ok(browser.longest.request > 3_900, `the longest request had only ${browser.longest.request} bytes of headers`);
    });
    await check(`${name} caps request headers at 4 KiB: the proxy itself refuses more`, async () => {
      const { status, body, setCookie } = await keepCookiesOfSite(newBrowser(), bytes + 1_500).start();
      assert.equal(status, 400);
      assert.match(body, answer);
      assert.deepEqual(setCookie, []);
    });
  }

  await check('docs/proxies.md shows the settings that are tested', () => {
    const plain = (file) => readFileSync(join(here, file), 'utf8').replace(/^ +/gm, '');
    const shown = [...plain('../../docs/proxies.md').matchAll(/^```(nginx|haproxy)\n(.*?)^```/gms)];
    assert.ok(shown.length >= 2, 'the page shows no settings');
    for (const [, language, snippet] of shown) assert.ok(plain(`proxies/${language}.conf`).includes(snippet), `not in ${language}.conf:\n${snippet}`);
  });
}

try {
  await tests();
} catch (error) {
  failed += 1;
  console.log(`BAD the services start\n${error.stack}`);
}
for (const stop of stops) await stop();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
