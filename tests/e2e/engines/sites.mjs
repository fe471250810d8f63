// The sites that the stories visit: for each, two servers behind nginx, and a provider on another site.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, rootKey, Server, startProvider, until } from '../services.mjs';

const SITES = {
  query: { scheme: 'https', responseMode: 'query' },
  formPost: { scheme: 'https', responseMode: 'form_post' },
  reposted: { scheme: 'https', responseMode: 'form_post_reposted' },
  plain: { scheme: 'http', responseMode: 'query' },
  plainAllowed: { scheme: 'http', responseMode: 'query', flags: ['--plain-http'] },
};

/** Starts all of them. Each is added to `running` at once, so that it is stopped even if a later one does not start. */
export async function startSites(binary, folder, running) {
  const sites = {};
  await Promise.all(Object.entries(SITES).map(async ([name, { scheme, responseMode, flags }]) => {
    const port = await freePort();
    const shop = `${scheme}://localhost:${port}`;
    const client = { id: 'shop', secret: randomBytes(24).toString('base64url'), redirectUri: `${shop}/callback` };
    // localhost and 127.0.0.1 are two sites, so that the callback is a cross-site request.
    const provider = await startProvider(client, new Set(), '127.0.0.1');
    running.push(provider);
    const settings = { public: shop, issuer: provider.issuer, client, keys: rootKey(), responseMode, flags };
    mkdirSync(join(folder, name));
    const servers = ['A', 'B'].map((server) => new Server(binary, server, settings, join(folder, name)));
    running.push(...servers);
    await Promise.all(servers.map((server) => server.start()));
    const log = () => servers.map((server) => readFileSync(server.log, 'utf8')).join('\n');
    const callbacks = join(folder, name, 'callbacks.log');
    sites[name] = { scheme, port, shop, servers, log, callbacks };
  }));
  running.push(await startNginx(Object.values(sites), folder));
  return sites;
}

/** A self-signed certificate. The browsers are told to accept it. */
function makeCertificate(folder) {
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
    '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')]);
  assert.equal(made.status, 0, String(made.stderr));
}

/**
 * nginx sends a login start to server A and its callback to server B. After /hold, nginx answers a browser's callbacks
 * itself until the browser opens /release, so that a test can read a callback's address before a server sees it. A log
 * has a line for each callback: its method, and whether a login's cookie came.
 */
async function startNginx(sites, folder) {
  makeCertificate(folder);
  mkdirSync(join(folder, 'nginx'));
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const server = ({ scheme, port, callbacks, servers: [a, b] }) => `
  server {
    listen 127.0.0.1:${port}${scheme === 'https' ? ' ssl' : ''};
    location / { proxy_pass http://${a.address}; }
    location = /callback {
      access_log ${callbacks} callbacks;
      if ($cookie_hold) { return 503; }
      proxy_pass http://${b.address};
    }
    location = /hold { add_header Set-Cookie "hold=yes; Path=/"; return 200 "held"; }
    location = /release { add_header Set-Cookie "hold=; Path=/; Max-Age=0"; return 200 "released"; }
  }`;
  writeFileSync(join(folder, 'nginx.conf'), `
daemon off;
pid ${folder}/nginx/pid;
error_log ${folder}/nginx/error.log;
events {}
http {
  access_log off;
  default_type text/plain;
  map $http_cookie $login { default without; ~__Host- with; }
  log_format callbacks '$request_method $login';
  ssl_certificate ${folder}/certificate.pem;
  ssl_certificate_key ${folder}/key.pem;
  proxy_set_header Host $http_host;
  ${paths.map((name) => `${name}_temp_path ${folder}/nginx/${name};`).join('\n  ')}
  ${sites.map(server).join('\n')}
}
`);
  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
  process.on('exit', () => nginx.kill('SIGTERM'));
  const plain = sites.find(({ scheme }) => scheme === 'http');
  await until('nginx answers', () => fetch(plain.shop));
  return { stop: async () => { nginx.kill('SIGTERM'); await once(nginx, 'exit'); } };
}
