// The stories. Each returns the outcome of the callback that it is about. It must equal `ends`, or for an engine in
// `differs` the value given there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { until } from '../services.mjs';
import { answer, goToCallback, signIn, startSignIn } from './visit.mjs';

const callbacks = (site) => readFileSync(site.callbacks, 'utf8').split('\n').filter(Boolean);
const isLogin = ({ name }) => /^__Host-[0-9a-f]{8}-/.test(name);
const loginCookie = async (browser) => (await browser.cookies()).find(isLogin).name;

async function signedIn({ newBrowser }, site) {
  const browser = await newBrowser();
  const page = await browser.newPage();
  await startSignIn(page, site);
  const said = await signIn(page, site, 'ann');
  return { browser, page, ...said };
}

export const STORIES = [
  {
    name: 'a login starts on one server and finishes on the other',
    ends: 'signed_in',
    async tell(engine, { query }) {
      const { outcome, server, begunOn } = await signedIn(engine, query);
      assert.deepEqual({ begunOn, server }, { begunOn: 'A', server: 'B' });
      return outcome;
    },
  },
  {
    name: 'the callback is reloaded',
    ends: 'already_used',
    async tell(engine, { query }) {
      const { page, outcome } = await signedIn(engine, query);
      assert.equal(outcome, 'signed_in');
      await page.reload();
      return (await answer(page, query)).outcome;
    },
  },
  {
    name: 'a callback in a browser with a login of its own; the owner can still sign in',
    ends: 'other_browser',
    tell: (engine, { query }) => withAnothersCallback(engine, query, (page) => startSignIn(page, query)),
  },
  {
    name: 'a callback in a browser without a login; the owner can still sign in',
    ends: 'cookie_missing',
    tell: (engine, { query }) => withAnothersCallback(engine, query, () => {}),
  },
  {
    name: 'the user cancels at the provider',
    ends: 'access_denied',
    async tell({ newBrowser }, { query }) {
      const page = await (await newBrowser()).newPage();
      await startSignIn(page, query);
      await page.click('a[href$="/abort"]');
      return (await answer(page, query)).outcome;
    },
  },
  {
    name: 'two tabs start a login, then both finish',
    ends: 'signed_in',
    async tell({ newBrowser }, { query }) {
      const browser = await newBrowser();
      const [first, second] = [await browser.newPage(), await browser.newPage()];
      await startSignIn(first, query);
      await startSignIn(second, query);
      assert.equal((await signIn(second, query, 'ann')).outcome, 'signed_in');
      return (await signIn(first, query, 'ann')).outcome;
    },
  },
  {
    name: 'the back button returns to the callback',
    ends: 'already_used',
    async tell(engine, { query }) {
      const { page, outcome } = await signedIn(engine, query);
      assert.equal(outcome, 'signed_in');
      await page.read("window.wasLeft = 'yes'");
      await page.goTo(`${query.shop}/`);
      await page.back();
      const said = (await answer(page, query)).outcome;
      // A page that the browser restores from memory still has its variables, and sent no request.
      return await page.read('window.wasLeft') === 'yes' ? `${said}, kept by the browser` : said;
    },
  },
  {
    name: 'form_post across two sites, with a `SameSite=None` cookie',
    ends: 'signed_in',
    async tell(engine, { formPost }) {
      const { browser, outcome } = await signedIn(engine, formPost);
      assert.equal(outcome, 'signed_in');
      assert.match(await loginCookie(browser), /^__Host-[0-9a-f]{8}-n-/);
      return outcome;
    },
  },
  {
    name: 'form_post across two sites, posted once more for a `SameSite=Lax` cookie',
    ends: 'signed_in',
    async tell(engine, { reposted }) {
      const before = callbacks(reposted).length;
      const { browser, outcome } = await signedIn(engine, reposted);
      assert.equal(outcome, 'signed_in');
      assert.match(await loginCookie(browser), /^__Host-[0-9a-f]{8}-l-/);
      assert.deepEqual(callbacks(reposted).slice(before), ['POST without', 'POST with']);
      return outcome;
    },
  },
  {
    name: 'a login on http://localhost, with `Secure` cookies',
    ends: 'signed_in',
    async tell(engine, { plain }) {
      const { browser, outcome } = await signedIn(engine, plain);
      const kept = (await browser.cookies()).filter(isLogin);
      assert.equal(kept.length, outcome === 'signed_in' ? 1 : 0, 'the answer does not follow from the cookies that were kept');
      if (outcome !== 'signed_in') await until('the log names the reason', () => /WebKit browsers store no Secure/.test(plain.log()));
      return outcome;
    },
    differs: {
      webkitgtk: {
        ends: 'cookie_missing',
        because: 'it does not send `Secure` cookies over plain HTTP, even to `localhost`. The server\'s log gives this reason '
          + 'and names `FlowBuilder::allow_plain_http_on_loopback`',
      },
    },
  },
  {
    name: 'a login on http://localhost, with `allow_plain_http_on_loopback`',
    ends: 'signed_in',
    async tell(engine, { plainAllowed }) {
      return (await signedIn(engine, plainAllowed)).outcome;
    },
  },
];

/** The outcome of a callback in another browser than its owner's. */
async function withAnothersCallback({ newBrowser }, site, prepare) {
  const [owner, other] = [await (await newBrowser()).newPage(), await (await newBrowser()).newPage()];
  await owner.goTo(`${site.shop}/hold`);
  await startSignIn(owner, site);
  await goToCallback(owner, site, 'ann');
  const address = await owner.address();
  await prepare(other);
  await other.goTo(address);
  const { outcome } = await answer(other, site);
  await owner.goTo(`${site.shop}/release`);
  await owner.goTo(address);
  assert.equal((await answer(owner, site)).outcome, 'signed_in', 'the attempt used up the login of the owner');
  return outcome;
}
