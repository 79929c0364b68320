/** What the page tests have in common: opening rooms, finding one's way by keyboard, and looking for barriers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const testid = (name) => `[data-testid=${name}]`;

/** The room's row in the list. */
export const room = (id) => `${testid('room-item')}[data-room-id=${id}]`;

export async function openRoom(page, id) {
	await page.click(room(id));
	await page.waitForSelector(testid('composer'));
	await page.waitForSelector(testid('message'));
	await settled(page);
}

/** Waits until the list has found its place: what is pressed meanwhile may have moved, or gone out of sight. */
export const settled = (page) =>
	page.evaluate(
		(list) =>
			new Promise((resolve) => {
				let [last, still] = ['', 0];
				requestAnimationFrame(function look() {
					const { scrollTop, scrollHeight, clientHeight } = document.querySelector(list) ?? {};
					const now = `${scrollTop} ${scrollHeight} ${clientHeight}`;
					still = now === last ? still + 1 : 0;
					last = now;
					if (still < 8) requestAnimationFrame(look);
					else resolve();
				});
			}),
		testid('timeline')
	);

/**
 * Has the page's clock stand still while its timers run on, so that what is due after some seconds waits for the test and not the
 * other way round. Answers how to let time pass.
 */
export async function stopClock(page) {
	let now = Date.now();
	await page.clock.setFixedTime(now);
	return (milliseconds) => page.clock.setFixedTime((now += milliseconds));
}

/** What tests of a conversation do on their page. @param {() => import('playwright-core').Page} page the one of this test */
export const talkOn = (page) => {
	const message = (text) => page().locator(testid('message'), { hasText: text }).last();
	return {
		message,
		/** What the page has asked of the fake backend by this name. */
		calls: (name) =>
			page().evaluate(
				(name) => globalThis.fakeBackend.calls.filter((call) => call.name === name).map((call) => call.input),
				name
			),
		/** Makes something happen in the fake backend. */
		make: (what, ...args) => page().evaluate(([what, args]) => globalThis.fakeBackend[what](...args), [what, args]),
		/** Gives the message the focus and presses a key on it. */
		async press(text, key) {
			await message(text).focus();
			await page().keyboard.press(key);
		},
		focusIsIn: (selector) =>
			page().waitForFunction((wanted) => document.activeElement?.closest(wanted) !== null, selector)
	};
};

/** A page with a room in which much is going on, at its end. */
export async function openBusy(browser, lang = 'en', theme = 'light') {
	const page = await browser.page(`lang=${lang}&theme=${theme}&state=busy`);
	const { message } = talkOn(() => page);
	await openRoom(page, 'general');
	// It opens at what is new.
	await message('502号室の血圧').waitFor();
	await page.click(testid('latest'));
	await message('伺います').waitFor();
	await settled(page);
	return page;
}

/** Brings it into the middle of the list. A press that has to scroll first may find that the list has moved on. */
export async function inSight(page, locator) {
	await locator.evaluate((element) => element.scrollIntoView({ block: 'center' }));
	await settled(page);
	return locator;
}

/** Presses Tab until this is focused. */
export async function tabTo(page, selector) {
	for (let presses = 0; presses < 40; presses++) {
		if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
		await page.keyboard.press('Tab');
	}
	assert.fail(`${selector} cannot be reached`);
}

/** Nobody is kept out, and nothing sticks out to the side. */
export async function assertAccessible(page) {
	await page.evaluate(axe);
	const found = await page.evaluate(async () => {
		const results = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] });
		return results.violations
			.map(({ id, nodes }) => {
				// A menu is scrolled by the arrow keys that move among its entries.
				const isMenu = (node) => id === 'scrollable-region-focusable' && node.html.includes('role="menu"');
				return { id, nodes: nodes.filter((node) => !isMenu(node)) };
			})
			.filter(({ nodes }) => nodes.length > 0)
			.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
	});
	assert.deepEqual(found, []);
	const overflow = await page.evaluate(
		() => document.documentElement.scrollWidth - document.documentElement.clientWidth
	);
	assert.equal(overflow, 0, 'nothing sticks out to the side');
}
