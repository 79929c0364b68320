/** Finding one's way in Chromium: rooms, people, search, palette, shortcuts, large text. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { assertAccessible, openRoom, room, settled, stopClock, tabTo, testid } from './scene.mjs';

describe('finding one’s way', { timeout: 300_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const start = async (scene = 'lang=en') => {
		page = await browser.page(scene, { width: 900, height: 600 });
		await openRoom(page, 'general');
	};
	const inSight = (selector) =>
		page.locator(selector).evaluate((element) => {
			const { left, right, top, bottom } = element.getBoundingClientRect();
			return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
		});
	const windows = {
		'the search': async () => {
			await page.keyboard.press('Control+Shift+F');
			await page.fill(testid('search-text'), '回診');
			await page.waitForSelector(testid('hit'));
		},
		'the palette': () => page.keyboard.press('Control+K').then(() => page.waitForSelector(testid('palette'))),
		'the shortcuts': () => page.keyboard.press('Control+/').then(() => page.waitForSelector(testid('shortcut-sheet'))),
		'the details of a room': () =>
			page.click(testid('room-info-open')).then(() => page.waitForSelector(testid('member'))),
		'a new conversation': () =>
			page.click(testid('new-room-open')).then(() => page.locator('input[value=ito]').waitFor()),
		'a day to go to': () => page.click(testid('jump-to-date')).then(() => page.waitForSelector(testid('popover')))
	};
	for (const [name, open] of Object.entries(windows)) {
		test(`${name}: Escape closes it and gives the focus back`, async () => {
			await start();
			await open();
			await page.keyboard.press('Escape');
			await page.waitForFunction(() => document.querySelector('dialog, [data-testid=popover]') === null);
			await page.waitForFunction(() => document.activeElement !== document.body);
		});
	}

	test('a hit is found by other kana, chosen by arrows, and opened where it stands', async () => {
		await start('lang=ja');
		await page.keyboard.press('Control+Shift+F');
		await page.keyboard.type('ぷりんたー');
		await page.waitForSelector(testid('hit'));
		assert.equal(await page.innerText(`${testid('hit')} mark`), 'プリンター');
		await page.fill(testid('search-text'), '回診');
		await page.waitForFunction(() => document.querySelectorAll('[data-testid=hit]').length > 5);
		for (let presses = 0; presses < 12; presses++) await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('search-dialog'), { state: 'detached' });
		await page.waitForFunction(() => document.activeElement?.dataset.testid === 'message');
		assert.match(await page.evaluate(() => document.activeElement.textContent), /回診/);
	});

	test('who presses Enter before anything is found goes to what is found for what stands there', async () => {
		await start('lang=ja');
		await page.keyboard.press('Control+Shift+F');
		await page.fill(testid('search-text'), '回診');
		await page.waitForSelector(testid('hit'));
		// All in one task of the page: no answer can have come in between.
		await page.evaluate((field) => {
			const text = document.querySelector(field);
			text.value = 'プリンター';
			text.dispatchEvent(new Event('input', { bubbles: true }));
			text.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
		}, testid('search-text'));
		await page.waitForSelector(`${room('support')}[aria-current=page]`);
		await page.waitForFunction(() => document.activeElement?.textContent?.includes('プリンター'));
	});

	test('a search here stays here, and one for another room opens that', async () => {
		await start('lang=ja');
		await page.keyboard.press('Control+F');
		await page.keyboard.type('プリンター');
		await page.getByText('見つかりませんでした').waitFor();
		await page
			.locator(`${testid('search-dialog')} select`)
			.first()
			.selectOption('');
		await page.waitForSelector(testid('hit'));
		await page.focus(testid('search-text'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(`${room('support')}[aria-current=page]`);
		await page.waitForFunction(() => document.activeElement?.textContent?.includes('プリンター'));
	});

	test('hits are narrowed by who wrote them and by day, by keyboard alone', async () => {
		await start('lang=en');
		await page.keyboard.press('Control+Shift+F');
		await page.keyboard.type('回診');
		await page.waitForSelector(testid('hit'));
		const all = await page.locator(testid('hit')).count();
		await page.evaluate(() => globalThis.fakeBackend.receive('support', 'yamada', '回診のあとで'));
		await tabTo(page, testid('search-author-filter'));
		const author = page.locator(testid('search-author-filter'));
		for (let presses = 0; presses < 8 && (await author.inputValue()) !== 'yamada'; presses++)
			await page.keyboard.press('ArrowDown');
		await page.locator(testid('hit'), { hasText: '回診のあとで' }).waitFor();
		await page.waitForFunction(() => document.querySelectorAll('[data-testid=hit]').length === 1);
		for (let presses = 0; presses < 8 && (await author.inputValue()) !== ''; presses++)
			await page.keyboard.press('ArrowUp');
		await page.waitForFunction((all) => document.querySelectorAll('[data-testid=hit]').length === all + 1, all);
		// Since today: fewer.
		await tabTo(page, `${testid('search-dialog')} button[aria-expanded]`);
		await page.keyboard.press('Enter');
		await tabTo(page, '[data-today]');
		await page.keyboard.press('Enter');
		await page.waitForFunction((all) => document.querySelectorAll('[data-testid=hit]').length < all, all);
		await page.locator(testid('hit'), { hasText: '回診のあとで' }).waitFor();
		await page.focus(testid('search-text'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(`${room('support')}[aria-current=page]`);
	});

	test('a day of the search is chosen, thought better of and cleared, and the keyboard stays where it was', async () => {
		await start('lang=en');
		await page.keyboard.press('Control+Shift+F');
		const day = `${testid('search-dialog')} button[aria-expanded]`;
		const onDay = () => page.waitForFunction((day) => document.activeElement?.matches(day), day);
		await tabTo(page, day);
		await page.keyboard.press('Enter');
		await tabTo(page, '[data-today]');
		await page.keyboard.press('Escape');
		await page.waitForSelector('[data-today]', { state: 'detached' });
		await onDay();
		assert.equal(await page.locator(testid('search-dialog')).count(), 1);
		await page.keyboard.press('Enter');
		await tabTo(page, '[data-today]');
		await page.keyboard.press('Enter');
		await onDay();
		await page.getByRole('button', { name: 'Clear the date' }).focus();
		await page.keyboard.press('Enter');
		await onDay();
	});

	test('the calendar of the search is whole in the smallest window', async () => {
		page = await browser.page('lang=ja', { width: 720, height: 520, now: new Date(2026, 10, 25, 12) });
		await openRoom(page, 'general');
		await page.keyboard.press('Control+Shift+F');
		for (const which of [0, 1]) {
			const day = page.locator(`${testid('search-dialog')} button[aria-expanded]`).nth(which);
			await day.click();
			await page.waitForSelector('[data-today]');
			assert.ok(await inSight('.picker'), 'all of it is in the window');
			await page.keyboard.press('Escape');
			await page.waitForSelector('[data-today]', { state: 'detached' });
		}
	});

	test('whatever there is to press in the window is found in the palette by its name', async () => {
		page = await browser.page('lang=en&state=busy');
		await openRoom(page, 'general');
		await page.click(testid('latest')).catch(() => {});
		await page.locator(testid('message'), { hasText: '了解' }).last().focus();
		const names = await page.evaluate(() => {
			const things = [
				...document.querySelectorAll('aside button, aside a, header button, form button, [data-testid=toolbar] button')
			];
			return (
				things
					.filter((thing) => thing.checkVisibility() && !thing.matches('[data-testid=room-item], [data-testid=send]'))
					.map((thing) => thing.getAttribute('aria-label') ?? thing.textContent.trim())
					// The quick emoji are reactions, and 'more' is the rest of the actions, each of which has its own name.
					.filter((name) => !/^React ./u.test(name) && name !== 'More')
			);
		});
		assert.ok(names.length >= 14, names.join());
		await page.keyboard.press('Control+K');
		await page.waitForSelector(testid('palette'));
		const field = page.locator(`${testid('palette')} input`);
		for (const name of names) {
			await field.fill(name);
			await page
				.locator(`${testid('palette')} [role=option]`)
				.first()
				.waitFor({ timeout: 5_000 })
				.catch(() => assert.fail(`${name} is not found`));
		}
	});

	test('what the palette finds is done: in the room, in the composer, with the chosen message', async () => {
		page = await browser.page('lang=en&state=busy');
		await openRoom(page, 'general');
		const run = async (words) => {
			await page.keyboard.press('Control+K');
			await page.locator(`${testid('palette')} input`).fill(words);
			await page.keyboard.press('Enter');
			await page.waitForSelector(testid('palette'), { state: 'detached' });
		};
		await run('keep at the top');
		await page.waitForFunction(() =>
			globalThis.fakeBackend.calls.some((call) => call.name === 'setRoomChoices' && call.input.choices.pinned)
		);
		await run('urgent only');
		await page.waitForFunction(() =>
			globalThis.fakeBackend.calls.some(
				(call) => call.name === 'setRoomChoices' && call.input.choices.notify === 'urgent'
			)
		);
		await run('your status: busy');
		await page.waitForSelector(`${testid('own-status')}[aria-label="Your status: Busy"]`);
		await run('go to a date');
		await page.waitForSelector(testid('popover'));
		await page.keyboard.press('Escape');
		await run('insert an emoji');
		await page.waitForSelector(testid('emoji-search'));
		await page.keyboard.press('Escape');
		await run('dark');
		await page.waitForSelector('html[data-theme=dark]');
		await run('this message goes out as urgent');
		await page.waitForSelector(`${testid('urgent')}[aria-pressed=true]`);
		await run('to the message field');
		await page.waitForFunction(() => document.activeElement?.dataset.testid === 'composer');
		await page.locator(testid('message')).last().focus();
		await run('reply');
		await page.waitForSelector(testid('composer-mode'));
		await run('text size');
		await page.waitForURL((url) => url.pathname === '/settings');
	});

	test('the palette goes to a room by the name of who is in it, however fast one types', async () => {
		await start();
		await page.keyboard.press('Control+K');
		await page.waitForSelector(testid('palette'));
		// All in one task of the page: nothing that follows later can have followed.
		await page.evaluate(() => {
			const field = document.activeElement;
			field.value = 'tanaka';
			field.dispatchEvent(new Event('input', { bubbles: true }));
			field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
		});
		await page.waitForSelector(`${room('patient-tanaka')}[aria-current=page]`);
		await page.keyboard.press('Alt+ArrowDown');
		await page.waitForSelector(`${room('general')}[aria-current=page]`);
	});

	test('rooms are ordered by their newest message, and filtered by name or by who is in them', async () => {
		await start();
		const listed = () =>
			page.locator(testid('room-item')).evaluateAll((rooms) => rooms.map(({ dataset }) => dataset.roomId));
		assert.deepEqual(await listed(), ['patient-tanaka', 'general', 'support', 'announcements']);
		await page.evaluate(() => globalThis.fakeBackend.receive('support', 'yamada', 'newest'));
		await page.waitForFunction(() => document.querySelector('[data-testid=room-item]').dataset.roomId === 'support');
		const filter = page.getByLabel('Filter rooms');
		await filter.fill('tanaka');
		assert.deepEqual(await listed(), [], 'IDs are not what people see');
		await page.getByText('No room matches').waitFor();
		await filter.fill('田中');
		assert.deepEqual(await listed(), ['patient-tanaka', 'announcements']);
		await filter.fill('');
		assert.deepEqual(await listed(), ['support', 'patient-tanaka', 'general', 'announcements']);
	});

	test('a room is pinned, and told to be so', async () => {
		await start();
		await page.click(room('support'));
		await page.click(testid('room-info-open'));
		assert.match(await page.innerText(testid('room-info')), /山田 さくら[\s\S]*On call/);
		await page.check(testid('pin'));
		await page.keyboard.press('Escape');
		await page.waitForFunction(() => document.querySelector('[data-testid=room-item]').dataset.roomId === 'support');
	});

	test('urgent messages and mentions are told in the list by word and mark', async () => {
		page = await browser.page('lang=en&state=busy');
		await page.waitForSelector(`${room('general')} ${testid('unread-urgent')}`);
		assert.equal(await page.locator(`${room('general')} ${testid('unread-mention')}`).count(), 1);
	});

	test('a conversation of two is begun with one choice, a group with a name', async () => {
		await start();
		await page.click(testid('new-room-open'));
		await page.getByLabel('Filter by name').fill('smith');
		await page.locator('input[value=smith]').check();
		await page.click(testid('begin'));
		await page.waitForSelector(`${room('direct-smith')}[aria-current=page]`);
		await page.click(testid('new-room-open'));
		for (const id of ['kobayashi', 'tanaka']) await page.locator(`input[value=${id}]`).check();
		assert.ok(await page.getByText('Includes a patient').isVisible());
		assert.ok(await page.isDisabled(testid('begin')));
		await page.getByLabel('Name of the group').fill('Discharge');
		await page.click(testid('begin'));
		await page.locator(`${testid('room-item')}[aria-current=page]`, { hasText: 'Discharge' }).waitFor();
	});

	for (const [computer, slower] of [
		['a computer', 1],
		['a slow computer', 6]
	]) {
		test(`a day leads to its first message, on ${computer}`, async () => {
			// By the middle of the day much has been said since its beginning, and more than fits into the window.
			page = await browser.page('lang=en', { width: 900, height: 600, now: new Date(2026, 10, 25, 12) });
			await openRoom(page, 'general');
			const session = await page.context().newCDPSession(page);
			await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
			const first = await page.evaluate(() => {
				const { locate } = globalThis.fakeBackend;
				globalThis.fakeBackend.locate = async (...asked) => (globalThis.located = await locate(...asked));
				return new Date().setHours(0, 0, 0, 0);
			});
			await page.click(testid('jump-to-date'));
			await page
				.locator(`${testid('popover')} [data-today]`)
				.first()
				.click();
			await page.waitForFunction(() => document.activeElement?.dataset.key === `m-general-${globalThis.located}`);
			const said = await page.evaluate(() => document.activeElement.querySelector('.meta time').dateTime);
			assert.ok(Date.parse(said) >= first && Date.parse(said) < first + 47 * 60_000, said);
			assert.ok(await inSight(`${testid('message')}:focus`), 'one sees it');
		});
	}

	test('a row that is not drawn for some time has the focus once it is', async () => {
		await start();
		await page.evaluate(() => {
			// As on a computer that takes long to measure what it has drawn: until then the list hides it.
			const { ResizeObserver } = globalThis;
			globalThis.ResizeObserver = class extends ResizeObserver {
				constructor(tell) {
					super((...entries) => setTimeout(() => tell(...entries), 300));
				}
			};
		});
		await openRoom(page, 'support');
		await openRoom(page, 'general');
		await page.evaluate(() =>
			globalThis.fakeBackend.publish({ kind: 'roomRequested', roomId: 'general', messageId: 'm-general-5' })
		);
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
	});

	test('the first of the rows that are here is brought into sight, though earlier ones come above it', async () => {
		await start();
		const go = (messageId) =>
			page.evaluate(
				(messageId) => globalThis.fakeBackend.publish({ kind: 'roomRequested', roomId: 'general', messageId }),
				messageId
			);
		await go('m-general-79');
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-79');
		await page.waitForFunction(() => globalThis.fakeBackend.calls.some((call) => call.name === 'loadEarlier'));
		await settled(page);
		assert.ok(await inSight('[data-key=m-general-79]'), 'it stays there');
	});

	test('a day after which nothing was said leads nowhere, and says so', async () => {
		await start('lang=en');
		await page.evaluate(() => {
			const { locate } = globalThis.fakeBackend;
			// As if the newest message were of long ago.
			globalThis.fakeBackend.locate = (roomId, place) =>
				locate(roomId, place.kind === 'time' ? { ...place, at: '2999-01-01T00:00:00Z' } : place);
		});
		await page.click(testid('jump-to-date'));
		await page
			.locator(`${testid('popover')} [data-today]`)
			.first()
			.click();
		await page.getByText('Nothing was said on that day or after it').waitFor();
	});

	test('with text of twice the size there is the list or the conversation, and a way between', async () => {
		page = await browser.page('lang=ja', { width: 720, height: 520 });
		await page.click(testid('settings'));
		await page.getByLabel('最大').check();
		await page.waitForSelector('html[data-text=largest]');
		await page.goBack();
		await page.waitForSelector(testid('composer'));
		await assertAccessible(page);
		assert.equal(await page.locator(room('general')).isVisible(), false);
		await page.click(testid('to-list'));
		await page.waitForSelector(room('general'));
		await assertAccessible(page);
		assert.equal(await page.locator(testid('composer')).count(), 0);
		await openRoom(page, 'patient-tanaka');
		await stopClock(page);
		await page.fill(testid('composer'), '大きな文字で');
		await page.click(testid('send'));
		await page.waitForSelector(testid('held'));
		for (const what of ['undo', 'composer', 'send', 'to-list'])
			assert.ok(await inSight(testid(what)), `${what} is in sight`);
		await page.click(testid('undo'));
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]').value === '大きな文字で');
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
