// What a user does on the pages, by the few commands that every engine has.

import { until } from '../services.mjs';

const isAt = async (page, address) => (await page.address()).startsWith(address);
/** Whether the page has loaded and has an element. `until` repeats this if it fails, as it does during a navigation. */
const shows = (page, selector) => page.read(
  `document.readyState === 'complete' && document.querySelector('${selector}') !== null`,
);

/** Opens the shop's first page and follows its link to the provider. */
export async function startSignIn(page, { shop }) {
  await page.goTo(`${shop}/`);
  await page.click('a[href="/login"]');
  await until('the provider asks who the user is', () => shows(page, 'input[name=login], form button[type=submit]'));
}

/** Signs in and agrees on the provider's pages, until the browser is at the callback's address. */
export async function goToCallback(page, { shop }, user) {
  const callback = `${shop}/callback`;
  // A second tab of the browser is signed in at the provider already.
  if (await shows(page, 'input[name=login]')) {
    await page.fill('input[name=login]', user);
    await page.fill('input[name=password]', 'any');
    await page.click('form button[type=submit]');
    await until('the provider asks for consent', async () => await isAt(page, callback)
      || (!await shows(page, 'input[name=login]') && shows(page, 'form button[type=submit]')));
  }
  if (!await isAt(page, callback)) await page.click('form button[type=submit]');
  await until('the browser comes to the callback', () => isAt(page, callback));
}

export async function signIn(page, site, user) {
  await goToCallback(page, site, user);
  return answer(page, site);
}

/** The shop's answer to a callback: its outcome, the server that answered, and the one on which the login began. */
export async function answer(page, { shop }) {
  return until('the shop answers the callback', async () => {
    if (!await isAt(page, `${shop}/callback`)) return undefined;
    const said = await page.read("JSON.stringify({ ...document.querySelector('main').dataset })");
    const { outcome, server, begunOn } = JSON.parse(said);
    return outcome && { outcome, server, begunOn };
  });
}
