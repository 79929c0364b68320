/** Every view, in both languages and both themes: nobody is kept out, and a small window holds it. */
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { assertAccessible } from './scene.mjs';
import { views } from './views.mjs';

describe('every view is accessible and fits a small window', { timeout: 1_200_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	for (const [name, { scene = '', path, open }] of Object.entries(views)) {
		for (const [lang, theme] of [
			['ja', 'light'],
			['en', 'dark']
		]) {
			test(`${name} (${lang}, ${theme})`, async () => {
				page = await browser.page(`lang=${lang}&theme=${theme}&${scene}`, { width: 720, height: 520, path });
				await open?.(page);
				await assertAccessible(page);
			});
		}
		test(`${name}, with text of twice the size`, async () => {
			page = await browser.page(`lang=en&theme=light&text=largest&${scene}`, { width: 1300, height: 900, path });
			await open?.(page);
			await assertAccessible(page);
		});
	}
});
