/** The page that documents the parts of the interface shows all of them. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../../scripts/setup.mjs';
import { Browser } from './browser.mjs';
import { testid } from './scene.mjs';

/** @type {Browser} */
let browser;
before(async () => (browser = await Browser.open()));
after(() => browser.close());

test('every part has its place on the design page, and what opens there opens', async () => {
	const parts = readdirSync(join(root, 'src/lib/components/ui')).filter((name) => name.endsWith('.svelte'));
	const page = await browser.page('lang=en', { path: '/design' });
	await page.waitForSelector(testid('design'));
	const shown = await page.locator('[data-part]').evaluateAll((found) => found.map(({ dataset }) => dataset.part));
	assert.deepEqual(shown.toSorted(), parts.map((name) => basename(name, '.svelte')).toSorted());
	for (const [name, opened] of [
		['menu', '[role=menu]'],
		['popover', testid('popover')],
		['dialog', 'dialog[open]'],
		['wide', 'dialog[open]']
	]) {
		await page.click(testid(`show-${name}`));
		await page.waitForSelector(opened);
		await page.keyboard.press('Escape');
		await page.waitForSelector(opened, { state: 'detached' });
	}
	assert.deepEqual(browser.errors, []);
});
