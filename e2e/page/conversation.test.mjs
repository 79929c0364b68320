/** What can be done with messages, and what a writer can do, in Chromium. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { assertAccessible, inSight, openRoom, room, settled, tabTo, testid } from './scene.mjs';

describe('the conversation', { timeout: 300_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const message = (text) => page.locator(testid('message'), { hasText: text }).last();
	const calls = (name) =>
		page.evaluate(
			(name) => globalThis.fakeBackend.calls.filter((call) => call.name === name).map((c) => c.input),
			name
		);
	/** Lets something happen in the fake backend. */
	const let_ = (what, ...args) => page.evaluate(([name, args]) => globalThis.fakeBackend[name](...args), [what, args]);
	const busy = async (lang = 'en', theme = 'light') => {
		page = await browser.page(`lang=${lang}&theme=${theme}&state=busy`);
		await openRoom(page, 'general');
		// It opens at what is new; these look at the end of it.
		await message('502号室の血圧').waitFor();
		await page.click(testid('latest'));
		await message('伺います').waitFor();
		await settled(page);
	};
	/** Gives the message the focus and presses a key on it. */
	const press = async (text, key) => {
		await message(text).focus();
		await page.keyboard.press(key);
	};
	const focusIsIn = (selector) =>
		page.waitForFunction((wanted) => document.activeElement?.closest(wanted) !== null, selector);

	test('a message is shown as it was written, and its markup as elements', async () => {
		await busy();
		// All of them are drawn.
		await page.setViewportSize({ width: 1180, height: 1600 });
		await message('502号室の血圧').waitFor();
		const urgent = message('502号室の血圧');
		assert.equal(await urgent.locator('.bubble strong', { hasText: '至急' }).count(), 1);
		assert.deepEqual(await urgent.locator('li').allInnerTexts(), ['-\n収縮期 82', '-\n脈拍 118']);
		assert.equal(await urgent.locator('.mention').innerText(), '@佐藤 恵');
		assert.match(
			await message('手順は').innerText(),
			/手順はこちらです https:\/\/intranet\S+ を見てください。用量は 2\*3\*4 mg のままです。/
		);
		assert.match(await message('Na 138').locator('pre').innerText(), /Na 138\nK {2}4\.1\nCl 102/);
		assert.equal(await page.getByText('This message has nothing that can be shown').count(), 1);
		assert.equal(await page.getByText('This message was withdrawn').count(), 1);
	});

	test('a message is marked as unread: the room is left, and opens there again', async () => {
		await busy();
		const badge = page.locator(`${room('general')} .badge`);
		await badge.waitFor({ state: 'detached' });
		await press('Na 138', 'u');
		await page.waitForURL((url) => url.pathname === '/rooms');
		assert.match(await badge.innerText(), /^2/);
		await page.getByText('Choose a room').waitFor();
		await openRoom(page, 'general');
		await page.waitForSelector(testid('divider'));
		await badge.waitFor({ state: 'detached' });
	});

	test('a link is opened by the host, and nothing else happens in the window', async () => {
		await busy();
		const before = page.url();
		await (await inSight(page, message('手順は').locator('a'))).click();
		assert.deepEqual(await calls('openLink'), ['https://intranet.hospital.example.jp/steps?id=12']);
		assert.equal(page.url(), before);
	});

	test('by keyboard alone: to a message, answer it, and back up to what was answered', async () => {
		await busy();
		await tabTo(page, testid('timeline'));
		await page.keyboard.press('ArrowUp');
		await focusIsIn(testid('message'));
		for (let presses = 0; presses < 4; presses++) await page.keyboard.press('ArrowUp');
		await page.waitForFunction(() => document.activeElement?.textContent?.includes('了解。五分粥'));
		await page.keyboard.press('r');
		await focusIsIn(testid('composer'));
		await page.keyboard.type('分かりました');
		await page.keyboard.press('Enter');
		const answer = message('分かりました');
		await answer.locator(testid('quote')).click();
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-1005');
		const sent = (await calls('sendMessage')).at(-1);
		assert.equal(sent.replyTo, 'm-general-1005');
	});

	test('a quote leads far up, loads both ways from there, and the way back is one press', async () => {
		await busy();
		await message('了解。五分粥').locator(testid('quote')).click();
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
		assert.match(await message('経過は良さそう').getAttribute('class'), /./);
		await page.click(testid('latest'));
		await message('伺います').waitFor();
		await page.waitForSelector(testid('latest'), { state: 'detached' });
	});

	test('an edit begins with arrow up, keeps the draft, and is marked', async () => {
		await busy();
		await page.focus(testid('composer'));
		await page.keyboard.press('ArrowUp');
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]').value === '今から伺います。');
		await page.keyboard.press('End');
		await page.keyboard.type('5分後です。');
		await page.keyboard.press('Enter');
		await message('今から伺います。5分後です。').getByText('edited').waitFor();
		assert.equal(await page.inputValue(testid('composer')), '');
	});

	test('withdrawing asks first, and Escape thinks better of it', async () => {
		await busy();
		await press('伺います', 'Delete');
		await page.waitForSelector(testid('delete-dialog'));
		await page.keyboard.press('Escape');
		await page.waitForSelector(testid('delete-dialog'), { state: 'detached' });
		assert.deepEqual(await calls('deleteMessage'), []);
		await focusIsIn(testid('message'));
		await page.keyboard.press('Delete');
		await page.click(testid('delete-yes'));
		await page.waitForSelector(`${testid('message')}[data-key=m-general-1009]:has-text("withdrawn")`);
	});

	test('a reaction is put from the menu, and taken away by its own press', async () => {
		await busy();
		await message('了解。五分粥').click({ button: 'right' });
		await page.getByRole('menuitem', { name: /React/ }).click();
		await page.locator(testid('popover')).getByRole('button', { name: 'clapping' }).click();
		const mine = message('了解。五分粥').locator(testid('reaction'));
		await mine.waitFor();
		assert.equal(await mine.getAttribute('aria-pressed'), 'true');
		await (await inSight(page, mine)).click();
		await mine.waitFor({ state: 'detached' });
	});

	test('a text is copied by a key, and said to be', async () => {
		await busy();
		await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
		await press('Na 138', 'c');
		await page.getByText('Copied').first().waitFor();
		assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '```\nNa 138\nK  4.1\nCl 102\n```');
	});

	test('each copy is told, not only the first', async () => {
		await busy();
		await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
		await page.evaluate((region) => {
			globalThis.told = 0;
			new MutationObserver(() => told++).observe(document.querySelector(region), {
				childList: true,
				characterData: true,
				subtree: true
			});
		}, testid('copied'));
		await press('Na 138', 'c');
		await page.waitForFunction(() => told === 1);
		await press('Na 138', 'c');
		await page.waitForFunction(() => told === 2);
	});

	test('a message that failed is given up only when one is sure, and what fails is said', async () => {
		page = await browser.page('lang=en&state=waiting');
		const failed = (await page.evaluate(() => globalThis.fakeBackend.unsentMessages())).find(
			(row) => row.delivery === 'failed'
		);
		await openRoom(page, failed.roomId);
		const row = page.locator(`${testid('message')}[data-key=${failed.key}]`);
		const discard = async () => {
			await (await inSight(page, row.getByRole('button', { name: 'Discard' }))).click();
			await page.waitForSelector(testid('discard-dialog'));
		};
		await discard();
		await page.keyboard.press('Escape');
		await page.waitForSelector(testid('discard-dialog'), { state: 'detached' });
		assert.deepEqual(await calls('discardMessage'), []);
		await let_('failNext', 'discardMessage', 'storeFailed');
		await discard();
		await page.click(testid('discard-yes'));
		await page.waitForSelector(testid('action-problem'));
		await let_('failNext', 'retryMessage', 'diskFull');
		await row.getByRole('button', { name: 'Send again' }).click();
		await page.locator(testid('action-problem'), { hasText: 'disk' }).waitFor();
		await discard();
		await page.click(testid('discard-yes'));
		await row.waitFor({ state: 'detached' });
	});

	test('where nothing of a place is here, the room stays as it is and says so; it is never said to be empty', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await let_('setOnline', false);
		await page.evaluate(() =>
			globalThis.fakeBackend.publish({ kind: 'roomRequested', roomId: 'general', messageId: 'm-general-5' })
		);
		await page.getByText('Messages could not be loaded').waitFor();
		assert.ok((await page.locator(testid('message')).count()) > 3);
		assert.equal(await page.getByText('No messages yet').count(), 0);
		await let_('setOnline', true);
		await page.getByRole('button', { name: 'Try again' }).click();
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
	});

	test('a link to a message that is nowhere says so', async () => {
		page = await browser.page('lang=en');
		await page.waitForSelector(room('general'));
		await page.evaluate(() =>
			globalThis.fakeBackend.publish({ kind: 'roomRequested', roomId: 'general', messageId: 'nowhere' })
		);
		await page.getByText('The message could not be found').waitFor();
	});

	test('a message is forwarded to a room that is found by its name, and said again there', async () => {
		await busy();
		await press('了解。五分粥', 'f');
		await page.waitForSelector(testid('forward-dialog'));
		await page.getByLabel('Filter rooms').last().fill('サポート');
		assert.equal(await page.locator(`${testid('forward-dialog')} li button`).count(), 1);
		await page.locator(`${testid('forward-dialog')} li button`).click();
		await page.locator(`${room('support')}:has-text("了解。五分粥")`).waitFor();
		assert.equal((await calls('sendMessage')).at(-1).roomId, 'support');
	});

	test('the details tell whom a message reached, who read it, and who took it on', async () => {
		await busy();
		await press('伺います', 'i');
		const dialog = page.locator(testid('details-dialog'));
		await dialog.getByText('How far it has come').waitFor();
		assert.match(await dialog.innerText(), /鈴木 健一\s+Read[\s\S]*山田 さくら\s+On their device/);
		await page.keyboard.press('Escape');
		await page.click(testid('acknowledge'));
		await press('502号室の血圧', 'i');
		await dialog.getByText(/佐藤 恵/).waitFor();
		assert.match(await dialog.innerText(), /佐藤 恵\s+Taken on/);
	});

	test('what is urgent is taken on by a press, and shows who did', async () => {
		await busy();
		await page.click(testid('acknowledge'));
		await page.getByText('Taken on by 佐藤 恵').waitFor();
		assert.equal(await page.locator(testid('acknowledge')).count(), 0);
	});

	test('a message that cannot be changed now says why', async () => {
		await busy();
		await let_('setOnline', false);
		await press('了解。五分粥', '+');
		await page.locator(testid('popover')).getByRole('button', { name: 'clapping' }).click();
		await page.waitForSelector(testid('action-problem'));
	});

	test('an @ offers members, whose name is found by latin letters too, and tells them', async () => {
		page = await browser.page('lang=ja');
		await openRoom(page, 'general');
		await page.focus(testid('composer'));
		await page.keyboard.type('@yam');
		await page.waitForSelector(testid('mentions'));
		await page.keyboard.press('Enter');
		assert.equal(await page.inputValue(testid('composer')), '@山田 さくら ');
		await page.keyboard.type('お願いします');
		await page.keyboard.press('Enter');
		await message('お願いします').waitFor();
		assert.deepEqual((await calls('sendMessage')).at(-1).mentions, ['yamada']);
	});

	test('urgent asks whom it will alert, and holds for one message', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await page.click(testid('urgent'));
		await page.fill(testid('composer'), 'come now');
		await page.keyboard.press('Enter');
		const dialog = page.locator(testid('urgent-dialog'));
		assert.match(await dialog.innerText(), /鈴木 健一[\s\S]*山田 さくら/);
		assert.deepEqual(await calls('sendMessage'), []);
		await assertAccessible(page);
		await page.click(testid('urgent-yes'));
		await message('come now').waitFor();
		assert.equal((await calls('sendMessage')).at(-1).priority, 'urgent');
		assert.equal(await page.getAttribute(testid('urgent'), 'aria-pressed'), 'false');
	});

	test('the key that asks whether it is urgent does not answer, pressed twice', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await page.click(testid('urgent'));
		await page.fill(testid('composer'), 'come now');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('urgent-dialog'));
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('urgent-dialog'), { state: 'detached' });
		assert.deepEqual(await calls('sendMessage'), []);
		assert.equal(await page.inputValue(testid('composer')), 'come now');
	});

	test('what is said where a patient reads is taken back by a key and from the palette', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'patient-tanaka');
		const written = (text) =>
			page.waitForFunction((text) => document.querySelector('[data-testid=composer]')?.value === text, text);
		const say = async () => {
			await page.focus(testid('composer'));
			await page.keyboard.press('Enter');
			await page.waitForSelector(testid('held'));
		};
		await page.fill(testid('composer'), 'meant for the ward');
		await say();
		await page.keyboard.press('Control+z');
		await written('meant for the ward');
		await say();
		await page.click(room('general'));
		await page.waitForSelector(`${room('general')}[aria-current=page]`);
		await page.keyboard.press('Control+k');
		await page.locator(`${testid('palette')} input`).fill('undo sending');
		await page.keyboard.press('Enter');
		await page.waitForSelector(`${room('patient-tanaka')}[aria-current=page]`);
		await written('meant for the ward');
		assert.deepEqual(await calls('sendMessage'), []);
	});

	test('a conversion that is given up by Escape leaves the edit alone', async () => {
		await busy();
		await page.focus(testid('composer'));
		await page.keyboard.press('ArrowUp');
		await page.waitForSelector(testid('composer-mode'));
		const escape = (init) =>
			page.evaluate(
				(init) =>
					document.activeElement.dispatchEvent(
						new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true, ...init })
					),
				init
			);
		for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
			await escape(init);
			assert.equal(await page.locator(testid('composer-mode')).count(), 1);
		}
		await escape({});
		await page.waitForSelector(testid('composer-mode'), { state: 'detached' });
		await page.click(testid('emoji'));
		await page.waitForSelector(testid('emoji-search'));
		await page.focus(testid('emoji-search'));
		await escape({ isComposing: true });
		assert.equal(await page.locator(testid('emoji-search')).count(), 1);
		await escape({});
		await page.waitForSelector(testid('emoji-search'), { state: 'detached' });
	});

	test('arrows go on from what is in view when the chosen row is far away', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'general');
		await page.evaluate(() =>
			globalThis.fakeBackend.publish({ kind: 'roomRequested', roomId: 'general', messageId: 'm-general-5' })
		);
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
		await settled(page);
		await page.keyboard.press('End');
		await page.locator(`${testid('message')}[data-key=m-general-128]`).waitFor();
		await settled(page);
		await page.keyboard.press('ArrowUp');
		await page.waitForFunction(() => Number(document.activeElement?.dataset.key?.split('-').at(-1)) > 100);
	});

	test('what is said where a patient reads can be taken back, and goes out by itself otherwise', async () => {
		page = await browser.page('lang=en');
		await openRoom(page, 'patient-tanaka');
		await page.fill(testid('composer'), 'meant for the ward');
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('held'));
		assert.match(await page.innerText(testid('held')), /田中 花子さん.*where a patient reads/);
		await assertAccessible(page);
		await page.click(room('general'));
		await page.click(testid('undo'));
		await page.waitForFunction(() => document.querySelector('[data-testid=composer]')?.value === 'meant for the ward');
		assert.deepEqual(await calls('sendMessage'), []);
		await page.keyboard.press('Enter');
		await page.waitForSelector(testid('held'));
		await message('meant for the ward').waitFor();
		await page.waitForSelector(testid('held'), { state: 'detached' });
	});

	test('nothing moves for who reads further up while messages, answers and reactions arrive', async () => {
		page = await browser.page('lang=ja&state=busy');
		await openRoom(page, 'general');
		const worst = await page.evaluate(async () => {
			const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
			const settle = async (frames = 12) => {
				for (let count = 0; count < frames; count++) await frame();
			};
			const scroller = document.querySelector('[data-testid=timeline]');
			await settle();
			scroller.scrollTop = scroller.scrollHeight - scroller.clientHeight - 900;
			await settle();
			const top = scroller.getBoundingClientRect().top;
			const anchor = [...document.querySelectorAll('[data-testid=message]')].find(
				(row) => row.getBoundingClientRect().top > top
			);
			const [key, before] = [anchor.dataset.key, anchor.getBoundingClientRect().top];
			let worst = 0;
			for (let count = 0; count < 120; count++) {
				const row = fakeBackend.receive('general', 'suzuki', `経過 ${count}\n`.repeat((count % 5) + 1));
				fakeBackend.react('general', row.id, 'yamada', '👍');
				await frame();
				await frame();
				const now = document.querySelector(`[data-key="${key}"]`).getBoundingClientRect().top;
				worst = Math.max(worst, Math.abs(now - before));
			}
			return worst;
		});
		assert.ok(worst <= 1, `moved by ${worst} px`);
		assert.match(await page.innerText(testid('latest')), /1[23]\d/);
	});

	test('down again after a jump, rows come below without moving what one reads, and stay few', async () => {
		page = await browser.page('lang=ja');
		await page.evaluate(async () => {
			for (let count = 0; count < 600; count++)
				fakeBackend.receive('general', 'suzuki', `経過 ${count}\n`.repeat((count % 4) + 1));
			await fakeBackend.markRead('general', 10_000);
			fakeBackend.receive('general', 'suzuki', 'お返事です', {
				replyTo: { messageId: 'm-general-5', seq: 5, authorName: '鈴木 健一', preview: '経過', deleted: false }
			});
		});
		await openRoom(page, 'general');
		await message('お返事').locator(testid('quote')).click();
		await page.waitForFunction(() => document.activeElement?.dataset.key === 'm-general-5');
		const { worst, reached } = await page.evaluate(async () => {
			const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
			const scroller = document.querySelector('[data-testid=timeline]');
			let [worst, reached] = [0, 0];
			for (let step = 0; step < 500 && reached < 700; step++) {
				scroller.scrollTop += 240;
				await frame();
				await frame();
				const top = scroller.getBoundingClientRect().top;
				const rows = [...document.querySelectorAll('[data-testid=message]')];
				const anchor = rows.find((row) => row.getBoundingClientRect().top > top);
				const [key, before] = [anchor.dataset.key, anchor.getBoundingClientRect().top];
				await frame();
				await frame();
				const same = document.querySelector(`[data-key="${key}"]`);
				if (same) worst = Math.max(worst, Math.abs(same.getBoundingClientRect().top - before));
				reached = Number(rows.at(-1).dataset.key.split('-').at(-1));
			}
			return { worst, reached };
		});
		assert.ok(reached >= 700, `came to ${reached}`);
		assert.ok(worst <= 1, `moved by ${worst} px`);
	});

	test('a new message is told to a screen reader once, and history not at all', async () => {
		page = await browser.page('lang=ja');
		await openRoom(page, 'general');
		await page.evaluate(() => {
			globalThis.told = [];
			new MutationObserver(() => told.push(document.querySelector('[data-testid=announcement]').textContent)).observe(
				document.querySelector('[data-testid=announcement]'),
				{ childList: true, characterData: true, subtree: true }
			);
		});
		await page.waitForFunction(() => {
			// Again and again: until it has been opened, the list goes to its end by itself.
			document.querySelector('[data-testid=timeline]').scrollTop = 0;
			return fakeBackend.calls.some((call) => call.name === 'loadEarlier');
		});
		await let_('receive', 'general', 'suzuki', '一度だけ');
		await page.waitForFunction(() => told.length > 0);
		await let_('react', 'general', 'm-general-129', 'yamada', '👍');
		// Whatever the reaction would have set off is over when a later message has been told of.
		await let_('receive', 'general', 'suzuki', '二通目');
		await page.waitForFunction(() => told.includes('鈴木 健一: 二通目'));
		// Word for word the same is told as well.
		await let_('receive', 'general', 'suzuki', '二通目');
		await page.waitForFunction(() => told.length > 2);
		assert.deepEqual(await page.evaluate(() => told.map((text) => text.trim())), [
			'鈴木 健一: 一度だけ',
			'鈴木 健一: 二通目',
			'鈴木 健一: 二通目'
		]);
	});

	test('none of this has reported an error', () => assert.deepEqual(browser.errors, []));
});
