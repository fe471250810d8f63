// What a person does in a browser window.

/** Opens the shop's sign-in and comes to the provider's page; gives the address of the server that began. */
export async function clickSignIn(page, shop, query = '') {
  const begun = page.waitForResponse((response) => response.url() === `${shop}/login${query}`);
  await page.goto(`${shop}/login${query}`);
  await page.waitForURL(/\/interaction\//);
  return (await begun).headers()['x-server'];
}

/** Signs in and agrees on the provider's pages, and reads the shop's answer. */
export async function signIn(page, shop, name) {
  await arriveAtCallback(page, shop, name);
  return answer(page);
}

/** Signs in and agrees on the provider's pages, up to the callback. */
export async function arriveAtCallback(page, shop, name) {
  if (await page.locator('input[name=login]').count()) {
    await page.fill('input[name=login]', name);
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
  }
  // The provider asks for consent unless this browser gave it before.
  await page.waitForURL((url) => url.href.startsWith(`${shop}/callback`) || url.pathname.startsWith('/interaction/'));
  if (!page.url().startsWith(`${shop}/callback`)) await page.click('button[type=submit]');
  await page.waitForURL(`${shop}/callback**`);
}

/** Says no on the provider's page. */
export async function deny(page, shop) {
  await page.click('a[href$="/abort"]');
  await page.waitForURL(`${shop}/callback**`);
  return answer(page);
}

/** What the shop's page says. */
export async function answer(page) {
  const { outcome, server, begunOn } = await page.locator('main').evaluate((main) => ({ ...main.dataset }));
  return { outcome, server, begunOn };
}
