// Two servers that share a replay guard, over Redis and over Postgres: a used link is refused on the server that never saw it.
//
// Usage: DEMO_BINARY=target/debug/demo node shared_guard.mjs

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { CHROMIUM, freePort, rootKey, Server, startNginx, startPostgres, startProvider, startRedis } from './services.mjs';
import { answer, clickSignIn, signIn } from './person.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.DEMO_BINARY ?? join(here, '../../target/debug/demo');
const browser = await chromium.launch(CHROMIUM);
let passed = 0;
let failed = 0;

for (const [name, startStore] of [['Redis', startRedis], ['Postgres', startPostgres]]) {
  const folder = mkdtempSync(join(tmpdir(), 'oauth-state-guard-'));
  const running = [];
  try {
    const store = await startStore(folder);
    running.push(store);
    const port = await freePort();
    const shop = `http://localhost:${port}`;
    const client = { id: 'shop', secret: randomBytes(24).toString('base64url'), redirectUri: `${shop}/callback` };
    const provider = await startProvider(client, new Set());
    running.push(provider);
    const settings = { public: shop, issuer: provider.issuer, client, keys: rootKey(), guard: store.url };
    const servers = ['A', 'B'].map((server) => new Server(binary, server, settings, folder));
    for (const server of servers) {
      await server.start();
      running.push(server);
    }
    running.push(await startNginx(port, servers, folder));

    const context = await browser.newContext();
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    await clickSignIn(page, shop);
    const { outcome, server, begunOn } = await signIn(page, shop, 'ann');
    assert.equal(outcome, 'signed_in');
    assert.notEqual(server, begunOn, 'finished on the server that began');
    for (const again of [begunOn, server]) {
      await context.setExtraHTTPHeaders({ 'X-Pin': again });
      await page.reload();
      assert.deepEqual(await answer(page), { outcome: 'already_used', server: again, begunOn: '' });
    }
    await context.close();
    passed += 1;
    console.log(`ok  ${name}: signed in over both servers, the used link refused on the other one and on the same`);
  } catch (error) {
    failed += 1;
    console.log(`BAD ${name}\n${error.stack}`);
  }
  for (const one of running.reverse()) await one.stop();
  rmSync(folder, { recursive: true });
}

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
