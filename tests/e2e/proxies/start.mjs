// Starts nginx or HAProxy with one of the configurations in this folder, and stops it by its own process id.

import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../services.mjs';

/**
 * Fills the names between @ signs with the addresses in `upstreams`, and each other one with a free address where the proxy listens.
 * `port` of the result gives the port by name.
 */
export async function startProxy(program, file, upstreams, folder) {
  const template = readFileSync(new URL(file, import.meta.url), 'utf8');
  const settings = template.split('\n').filter((line) => !line.trimStart().startsWith('#')).join('\n');
  const ports = new Map();
  for (const [, name] of settings.matchAll(/@(\w+)@/g)) {
    if (name === 'folder' || name in upstreams || ports.has(name)) continue;
    let port;
    // The system may hand out a port again that no one listens on yet.
    do port = await freePort(); while ([...ports.values()].includes(port));
    ports.set(name, port);
  }
  const filled = settings.replace(/@(\w+)@/g, (_, name) => (name === 'folder' ? folder : upstreams[name] ?? `127.0.0.1:${ports.get(name)}`));
  const path = join(folder, file);
  writeFileSync(path, filled);

  // Both stay in the foreground: this process id is the one to end.
  const args = program === 'nginx' ? ['-p', folder, '-e', join(folder, 'nginx-error.log'), '-c', path] : ['-db', '-f', path];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const end = () => child.kill('SIGTERM');
  process.on('exit', end);
  const gone = once(child, 'exit');
  const log = createWriteStream(`${path}.log`);
  child.stderr.pipe(log);
  const failed = gone.then(([code]) => { throw new Error(`${program} ended with ${code}: ${readFileSync(`${path}.log`, 'utf8')}`); });
  failed.catch(() => {});
  for (const port of ports.values()) await Promise.race([listening(port), failed]);
  return {
    port: (name) => {
      if (!ports.has(name)) throw new Error(`${file} has no ${name}`);
      return ports.get(name);
    },
    stop: async () => {
      end();
      await gone;
      process.off('exit', end);
    },
  };
}

/** Waits, for ten seconds at most, until a port takes connections. */
async function listening(port) {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((wait) => setTimeout(wait, 20));
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`no one listens on port ${port}`);
}
