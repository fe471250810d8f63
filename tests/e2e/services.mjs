// Starts what the tests need, each on a free loopback port, and stops it by its own process id.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, createWriteStream, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import Provider from 'oidc-provider';

/** How the browser starts: without a window, and without a call to anybody. */
export const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
};

/** Waits until a condition gives a true value, which it returns; fails after some seconds. */
export async function until(what, condition, seconds = 15) {
  const end = Date.now() + seconds * 1000;
  let error;
  while (Date.now() < end) {
    try {
      const value = await condition();
      if (value) return value;
      error = undefined;
    } catch (thrown) {
      // A page cannot be read during a navigation, and a server that starts does not answer yet.
      error = thrown;
    }
    await new Promise((wait) => setTimeout(wait, 50));
  }
  throw new Error(`${what}: not within ${seconds} s`, { cause: error });
}

/** A port that was free a moment ago. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** A root key in its text form, made from docs/wire-format.md alone. */
export function rootKey() {
  const key = randomBytes(32);
  const label = Buffer.from('oauth-state/v1/root-key-checksum');
  const length = Buffer.from([label.length >> 8, label.length & 255]);
  const checksum = createHash('sha256').update(length).update(label).update(key).digest().subarray(0, 6);
  return `osk1.${key.toString('base64url')}.${checksum.toString('base64url')}`;
}

/**
 * The certified provider, which also notes what must never appear in a log. By another host, it is another site. With
 * `pushed`, the client has to push its requests, and the provider keeps them in `requests`.
 */
export async function startProvider(client, secrets, host = 'localhost', { pushed = false } = {}) {
  const port = await freePort();
  const issuer = `http://${host}:${port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: [client.redirectUri],
      require_pushed_authorization_requests: pushed,
    }],
    cookies: { keys: [randomBytes(16).toString('hex')] },
    features: { devInteractions: { enabled: true }, pushedAuthorizationRequests: { enabled: true } },
    ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  const requests = [];
  let keep;
  provider.use(async (context, next) => {
    await next();
    const parameters = context.oidc?.params ?? {};
    for (const name of ['state', 'nonce', 'code_challenge', 'code', 'code_verifier']) {
      if (parameters[name]) secrets.add(parameters[name]);
    }
    if (context.oidc?.route === 'pushed_authorization_request') requests.push({ status: context.status, ...context.oidc.body });
    // The provider's pages would load a font from another host.
    if (typeof context.body === 'string') context.body = context.body.replace(/@import url\([^)]*\);/, '');
    const location = context.response.get('location') ?? '';
    if (keep && location.startsWith(client.redirectUri)) {
      keep(location);
      context.remove('location');
      context.status = 200;
      context.body = '<!doctype html><main>kept</main>';
      keep = undefined;
    }
  });
  const listener = provider.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  return {
    issuer,
    requests,
    sessions: provider.Session.prototype,
    /** Keeps the next callback away from the browser, and gives its address. */
    nextCallback: () => new Promise((done) => { keep = done; }),
    stop: () => new Promise((done) => { listener.closeAllConnections(); listener.close(done); }),
  };
}

/** One application server as a process of its own, logging everything to a file. */
export class Server {
  constructor(binary, name, settings, folder) {
    Object.assign(this, { binary, name, settings, log: join(folder, `server-${name}.log`) });
  }

  async start() {
    const { public: address, issuer, client, keys, guard = '', responseMode = 'query', flags = [] } = this.settings;
    this.process = spawn(
      this.binary,
      ['server', '--openid', '--listen', '127.0.0.1:0', '--name', this.name, '--public', address, '--issuer', issuer,
        '--client-id', client.id, '--lifetime', '120', '--response-mode', responseMode, '--until', 'end-of-input', ...flags],
      { env: { OAUTH_STATE_KEYS: keys, CLIENT_SECRET: client.secret, REPLAY_GUARD: guard, RUST_LOG: 'trace', RUST_BACKTRACE: '1' } },
    );
    const log = createWriteStream(this.log, { flags: 'a' });
    this.process.stderr.pipe(log);
    this.logged = once(log, 'finish');
    const [line] = await once(createInterface(this.process.stdout), 'line');
    this.address = line.replace('listening on ', '');
  }

  /** `kill -9`, and waits until it is gone. */
  async kill() {
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.stdin.end();
      await once(this.process, 'exit');
    }
    // To the last line.
    await this.logged;
  }
}

/** A process that ends with this one. */
function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: 'ignore', ...options });
  process.on('exit', () => child.kill('SIGKILL'));
  return { child, stop: async () => { child.kill('SIGTERM'); await once(child, 'exit'); } };
}

/** Waits, for ten seconds at most, until a command says that the server is there. */
async function ready(name, program, args) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (spawnSync(program, args).status === 0) return;
    await new Promise((wait) => setTimeout(wait, 100));
  }
  throw new Error(`${name} does not answer`);
}

/** Redis, which keeps nothing on the disk. */
export async function startRedis(folder) {
  const port = await freePort();
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const { stop } = start('redis-server', args.map(String));
  await ready('Redis', 'redis-cli', ['-p', String(port), 'ping']);
  return { url: `redis://127.0.0.1:${port}`, stop };
}

/** Postgres with an empty database. It refuses to run as root, and runs as its own user then. */
export async function startPostgres(folder) {
  const port = await freePort();
  const programs = join('/usr/lib/postgresql', readdirSync('/usr/lib/postgresql').sort().at(-1), 'bin');
  const root = process.getuid() === 0;
  const data = join(folder, 'postgres');
  mkdirSync(data);
  if (root) {
    chmodSync(folder, 0o755);
    assert.equal(spawnSync('chown', ['postgres', data]).status, 0);
  }
  // The process id stays the same across the change of user, so that it can be ended by it.
  const as = (program, args) => (root
    ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', join(programs, program), ...args]]
    : [join(programs, program), args]);
  const made = spawnSync(...as('initdb', ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C']));
  assert.equal(made.status, 0, String(made.stderr));
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${data}`].flatMap((setting) => ['-c', setting]);
  const { stop } = start(...as('postgres', ['-D', data, '-p', String(port), ...settings]));
  await ready('Postgres', join(programs, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)]);
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
}

/** nginx in round robin over the servers. A request with `X-Pin: A` goes to server A. */
export async function startNginx(port, servers, folder) {
  const pins = servers.map(({ name }) => `${name} server_${name};`).join(' ');
  const upstreams = servers.map(({ name, address }) => `upstream server_${name} { server ${address}; }`).join('\n  ');
  const members = servers.map(({ address }) => `server ${address} max_fails=1 fail_timeout=60s;`).join(' ');
  mkdirSync(join(folder, 'nginx'), { recursive: true });
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(join(folder, 'nginx.conf'), `
daemon off;
pid ${folder}/nginx/pid;
error_log ${folder}/nginx/error.log;
events {}
http {
  access_log off;
  ${paths.map((name) => `${name}_temp_path ${folder}/nginx/${name};`).join('\n  ')}
  upstream both { ${members} }
  ${upstreams}
  map $http_x_pin $backend { default both; ${pins} }
  server {
    listen 127.0.0.1:${port};
    location = /nginx-status { stub_status; }
    location / {
      if ($http_x_pin = nobody) { return 503; }
      proxy_pass http://$backend;
      proxy_set_header Host $http_host;
      add_header X-Server $upstream_addr always;
    }
  }
}
`);
  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
  process.on('exit', () => nginx.kill('SIGTERM'));
  await answers(`http://127.0.0.1:${port}/`);
  /** Waits, for ten seconds at most, until this many requests wait for an answer. */
  const holds = async (requests) => {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const status = await (await fetch(`http://127.0.0.1:${port}/nginx-status`)).text();
      // The request for the status is being answered, too.
      if (Number(/Writing: (\d+)/.exec(status)[1]) >= requests + 1) return;
      await new Promise((wait) => setTimeout(wait, 100));
    }
    throw new Error(`nginx never held ${requests} requests at once`);
  };
  return { holds, stop: async () => { nginx.kill('SIGTERM'); await once(nginx, 'exit'); } };
}

/** Waits, for ten seconds at most, until an address answers. */
async function answers(address) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try { await fetch(address); return; } catch { await new Promise((wait) => setTimeout(wait, 100)); }
  }
  throw new Error(`${address} does not answer`);
}
