// A small browser: follows redirects, keeps cookies, fills in the provider's forms. It sends the headers of Chromium's navigations.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as http1 } from 'node:http';
import { connect as http2 } from 'node:http2';

/** The name of the service, which the test's proxies serve on this machine. */
export const SHOP = 'shop.example';

export class Browser {
  /** @type {{ host: string, path: string, name: string, value: string }[]} */
  jar = [];

  /** The most bytes of request and response headers that it exchanged with the shop. */
  longest = { request: 0, response: 0 };

  /** `port` is where the shop's proxy listens. With `useHttp2`, each cookie travels in a line of its own, as in Chromium. */
  constructor(port, { scheme = 'https', useHttp2 = false } = {}) {
    Object.assign(this, { port, useHttp2, shop: `${scheme}://${SHOP}` });
  }

  /** A cookie that another part of the site has set. */
  keep(name, value) {
    this.jar.push({ host: SHOP, path: '/', name, value });
    return this;
  }

  /** The cookies of the shop's login. */
  loginCookies() {
    return this.jar.filter(({ host, name }) => host === SHOP && /^(__Host-|__session$)/.test(name));
  }

  /** Asks for the login start, and does not follow it to the provider. */
  start(headers = {}) {
    return this.#send(new URL(`${this.shop}/login`), { headers });
  }

  /** Starts a login and signs in at the provider; gives what the shop's page says of the callback. */
  async login() {
    return this.open(await this.callback());
  }

  /** Starts a login and signs in at the provider; gives the address of the callback, which is not opened yet. */
  async callback() {
    const started = await this.start();
    assert.equal(started.status, 303, `the login start was answered with ${started.status}: ${text(started.body)}`);
    let at = new URL(started.headers.location);
    // The provider asks for the name and for consent, and redirects a few times in between.
    let answer = await this.#send(at, { site: 'cross-site' });
    for (let step = 0; step < 20; step += 1) {
      if (answer.headers.location) {
        at = new URL(answer.headers.location, at);
        if (at.hostname === SHOP) return at;
        answer = await this.#send(at);
      } else {
        const [, action] = /<form [^>]*action="([^"]+)"/.exec(answer.body) ?? assert.fail(`no form: ${text(answer.body)}`);
        const hidden = [...answer.body.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
        const form = new URLSearchParams([...hidden, ['login', 'ann'], ['password', 'any']]);
        at = new URL(action, at);
        answer = await this.#send(at, { method: 'POST', body: form.toString() });
      }
    }
    return assert.fail('the provider never came to an end');
  }

  /** Opens a callback. A site on plain http redirects https there. */
  async open(callback) {
    callback.protocol = new URL(this.shop).protocol;
    const { status, body } = await this.#send(callback, { site: 'cross-site' });
    const [, outcome] = /data-outcome="([^"]+)"/.exec(body) ?? assert.fail(`the callback was answered with ${status}: ${text(body)}`);
    return outcome;
  }

  async #send(url, { method = 'GET', body = '', site = 'none', headers: more = {} } = {}) {
    const formType = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) };
    const form = method === 'POST' ? { ...formType, origin: url.origin } : {};
    const cookies = this.jar
      .filter(({ host, path }) => host === url.hostname && url.pathname.startsWith(path))
      .map(({ name, value }) => `${name}=${value}`);
    const headers = {
      'upgrade-insecure-requests': '1',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
      accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
      'sec-fetch-site': method === 'POST' ? 'same-origin' : site,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-user': '?1',
      'sec-fetch-dest': 'document',
      'accept-language': 'en-US,en;q=0.9',
      ...form,
      ...more,
    };
    const isShop = url.hostname === SHOP;
    const send = isShop && this.useHttp2 ? overHttp2 : overHttp1;
    const answer = await send(isShop ? this.port : url.port, { url, method, headers, cookies, body });
    if (isShop) {
      this.longest.request = Math.max(this.longest.request, answer.sent);
      this.longest.response = Math.max(this.longest.response, answer.received);
    }
    for (const line of answer.setCookie) this.#store(url, line);
    return answer;
  }

  #store(url, line) {
    const [pair, ...attributes] = line.split(/; */);
    const [, name, value] = /^([^=]+)=(.*)$/.exec(pair);
    const attribute = (wanted) => attributes.map((each) => each.split('=')).find(([each]) => each.toLowerCase() === wanted)?.[1];
    // Browsers drop a Secure cookie of a site on plain http.
    if (url.protocol === 'http:' && attributes.some((each) => each.toLowerCase() === 'secure')) return;
    const path = attribute('path') ?? '/';
    this.jar = this.jar.filter((kept) => kept.host !== url.hostname || kept.path !== path || kept.name !== name);
    const isOver = attribute('max-age') === '0' || Date.parse(attribute('expires') ?? '2100-01-01') <= Date.now();
    if (!isOver) this.jar.push({ host: url.hostname, path, name, value });
  }
}

/** The start of a page, for a message. */
const text = (body) => body.replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ').slice(0, 300);

const size = (lines) => lines.reduce((bytes, line) => bytes + line.length + 2, 2);

async function overHttp1(port, { url, method, headers, cookies, body }) {
  const all = { host: url.host, connection: 'close', ...headers, ...(cookies.length ? { cookie: cookies.join('; ') } : {}) };
  const path = url.pathname + url.search;
  const request = http1({ host: '127.0.0.1', port, method, path, headers: all, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  const lines = [];
  for (let at = 0; at < response.rawHeaders.length; at += 2) lines.push(`${response.rawHeaders[at]}: ${response.rawHeaders[at + 1]}`);
  return {
    status: response.statusCode,
    headers: response.headers,
    setCookie: response.headers['set-cookie'] ?? [],
    body: await read(response),
    sent: size([`${method} ${path} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)]),
    received: size([`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`, ...lines]),
  };
}

/** Without TLS, so that both ends know beforehand that it is HTTP/2. The shop has no forms: there is no body to send. */
async function overHttp2(port, { url, method, headers, cookies }) {
  const session = http2(`http://127.0.0.1:${port}`);
  try {
    const pseudo = { ':method': method, ':path': url.pathname + url.search, ':scheme': 'https', ':authority': url.host };
    const request = session.request({ ...pseudo, ...headers, ...(cookies.length ? { cookie: cookies } : {}) });
    const [response] = await Promise.race([once(request, 'response'), once(session, 'close').then(() => assert.fail('the connection was closed'))]);
    return { status: response[':status'], headers: response, setCookie: response['set-cookie'] ?? [], body: await read(request), sent: 0, received: 0 };
  } finally {
    session.close();
  }
}

async function read(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
