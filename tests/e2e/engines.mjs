// The login stories in Chromium, Firefox and WebKitGTK: two servers behind nginx, and a provider on another site.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as chromium from './engines/chromium.mjs';
import * as firefox from './engines/firefox.mjs';
import * as webkitgtk from './engines/webkitgtk.mjs';
import { writePage } from './engines/page.mjs';
import { startSites } from './engines/sites.mjs';
import { STORIES } from './engines/stories.mjs';

const ENGINES = { chromium, firefox, webkitgtk };
const USAGE = `Usage: DEMO_BINARY=target/debug/demo node engines.mjs [--write] [ENGINE]...

Runs the login stories in browser engines: ${Object.keys(ENGINES).join(', ')}. Without a name, in all that are installed.

  --write     puts the results into docs/browsers.md, if all stories pass in all engines
  -h, --help  this text

The variables CHROMIUM and FIREFOX name other programs than the installed ones. An engine that is known to differ in a
story passes only while it still differs.`;

/** How many stories run at once in one engine. */
const AT_ONCE = 4;
const SECONDS_PER_STORY = 45;

const args = process.argv.slice(2);
if (args.some((argument) => ['-h', '--help'].includes(argument))) {
  console.log(USAGE);
  process.exit(0);
}
const write = args.includes('--write');
const asked = args.filter((argument) => argument !== '--write');
const unknown = asked.filter((name) => !Object.hasOwn(ENGINES, name));
const names = asked.length > 0 ? asked : Object.keys(ENGINES).filter((name) => ENGINES[name].isInstalled());
const missing = names.filter((name) => !unknown.includes(name) && !ENGINES[name].isInstalled());
if (unknown.length > 0 || missing.length > 0 || names.length === 0) {
  for (const name of unknown) console.error(`${name}: no such engine; the engines are ${Object.keys(ENGINES).join(', ')}`);
  for (const name of missing) console.error(`${name}: not installed`);
  if (names.length === 0) console.error('no engine is installed');
  process.exit(2);
}
if (write && Object.keys(ENGINES).some((name) => !names.includes(name))) {
  console.error('--write needs all engines');
  process.exit(2);
}

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env.DEMO_BINARY ?? join(here, '../../target/debug/demo');
if (!existsSync(binary)) {
  console.error(`no demo at ${binary}: run cargo build -p demo --features guards,openid, or set DEMO_BINARY`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'oauth-state-engines-'));
// The browsers' profiles go there, too, and are removed with it.
process.env.TMPDIR = folder;
// Every process that the scripts start ends when this one does.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/** Rejects if a promise takes too long, so that a browser that hangs fails one story and not the whole run. */
function within(seconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs one story in browsers of its own; gives its outcome or its error. */
async function run(story, engine, sites) {
  const browsers = [];
  const newBrowser = async () => {
    const browser = await engine.newBrowser();
    browsers.push(browser);
    return browser;
  };
  try {
    return { ended: await within(SECONDS_PER_STORY, story.tell({ newBrowser }, sites)) };
  } catch (error) {
    return { error };
  } finally {
    await Promise.all(browsers.map((browser) => within(10, browser.close()).catch(() => {})));
  }
}

/** Runs all stories in one engine; gives their results in their order. */
async function runAll(name, engine, sites) {
  const results = [];
  const waiting = STORIES.entries();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const [index, story] of waiting) {
      const { ended, error } = await run(story, engine, sites);
      const differs = story.differs?.[name];
      const expected = (differs ?? story).ends;
      const passed = ended === expected;
      results[index] = { passed, ended };
      const note = differs ? ` (this engine differs: ${ended})` : '';
      console.log(passed ? `ok  ${name}: ${story.name}${note}`
        : `BAD ${name}: ${story.name}\n${error ? errorText(error) : `ended in ${ended}, expected ${expected}`}`);
    }
  }));
  return results;
}

const errorText = ({ stack, cause }) => (cause ? `${stack}\nbecause of ${cause.stack}` : stack);

const running = [];
const report = [];
let failed = 0;
try {
  const sites = await startSites(binary, folder, running);
  for (const name of names) {
    const started = Date.now();
    const engine = await ENGINES[name].launch(folder);
    running.push(engine);
    const results = await runAll(name, engine, sites);
    console.log(`    ${name} ${engine.version}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    report.push({ name, title: ENGINES[name].title, version: engine.version, results });
  }
} catch (error) {
  failed += 1;
  console.log(`BAD ${errorText(error)}`);
}
for (const one of running.reverse()) await within(10, one.stop?.() ?? one.close()).catch(() => {});

const all = report.flatMap(({ results }) => results);
const passed = all.filter((result) => result.passed).length;
failed += all.length - passed;
if (write && failed === 0) writePage(join(here, '../../docs/browsers.md'), STORIES, report);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
