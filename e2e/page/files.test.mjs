/** Files: choosing, pasting and dropping them, what a message shows of them, and looking at pictures. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Browser } from './browser.mjs';
import { openRoom, stopClock, testid } from './scene.mjs';
import { views } from './views.mjs';
import { PNG } from './ways.mjs';

describe('files', { timeout: 240_000 }, () => {
	/** @type {Browser} */
	let browser;
	let page;
	before(async () => (browser = await Browser.open()));
	afterEach(() => page?.close());
	after(() => browser.close());

	const start = async (id = 'general', scene = '') => {
		page = await browser.page(`lang=en&${scene}`);
		await openRoom(page, id);
	};
	const calls = (name) =>
		page.evaluate(
			(name) => globalThis.fakeBackend.calls.filter((call) => call.name === name).map((call) => call.input),
			name
		);
	const let_ = (what, ...args) => page.evaluate(([name, args]) => globalThis.fakeBackend[name](...args), [what, args]);
	const names = () => page.locator(`${testid('composer-files')} .name`).allInnerTexts();
	const ready = () => page.waitForSelector(`${testid('send')}:not([disabled])`);
	/** An event that carries a file, as the system makes them. */
	const carry = (type, selector, name) =>
		page.evaluate(
			([type, selector, name, bytes]) => {
				const data = new DataTransfer();
				data.items.add(new File([Uint8Array.from(bytes)], name, { type: 'image/png' }));
				const init = { bubbles: true, cancelable: true };
				const event =
					type === 'paste'
						? new ClipboardEvent(type, { ...init, clipboardData: data })
						: new DragEvent(type, { ...init, dataTransfer: data });
				document.querySelector(selector).dispatchEvent(event);
				return event.defaultPrevented;
			},
			[type, selector, name, [...PNG]]
		);

	test('chosen, pasted and dropped, they wait in the order they came and go with one message', async () => {
		await start();
		await page.setInputFiles(testid('file-input'), [{ name: 'one.png', mimeType: 'image/png', buffer: PNG }]);
		assert.equal(await carry('paste', testid('composer'), 'two.png'), true);
		await carry('dragenter', testid('timeline'), 'three.png');
		await page.waitForSelector(testid('drop-invitation'));
		assert.equal(await carry('drop', testid('timeline'), 'three.png'), true);
		await page.waitForSelector(testid('drop-invitation'), { state: 'detached' });
		await ready();
		assert.deepEqual(await names(), ['one.png', 'two.png', 'three.png']);
		await page.click(testid('send'));
		await page.waitForSelector(testid('composer-files'), { state: 'detached' });
		const [sent, ...more] = await calls('sendMessage');
		assert.deepEqual([sent.content, sent.attachments.length, more.length], ['', 3, 0]);
		await page.waitForFunction(
			() => document.querySelectorAll('[data-testid=message]:last-of-type [data-testid=picture] img').length >= 3
		);
		await page.waitForSelector(`${testid('room-item')}[data-room-id=general]:has-text("one.png two.png")`);
	});

	test('where the engine keeps dropped files from the page, they come from the shell, piece by piece', async () => {
		await start();
		await let_('drag', { kind: 'over' });
		await page.waitForSelector(testid('drop-invitation'));
		await let_('drag', { kind: 'gone' });
		await page.waitForSelector(testid('drop-invitation'), { state: 'detached' });
		await let_('drag', { kind: 'over' });
		const long = [...Buffer.concat([Buffer.from('%PDF-1.7 '), Buffer.alloc(600 * 1024, 'x')])];
		await let_('drop', [
			{ name: 'dropped.png', bytes: [...PNG] },
			{ name: 'long.pdf', bytes: long }
		]);
		await page.waitForSelector(testid('drop-invitation'), { state: 'detached' });
		await ready();
		assert.deepEqual(await names(), ['dropped.png', 'long.pdf']);
		assert.deepEqual(
			(await calls('droppedBytes')).map(({ offset }) => offset),
			[0, 0, 512 * 1024]
		);
		await page.waitForSelector(`${testid('composer-files')} img`);
		await page.locator(`${testid('composer-files')} .kind`, { hasText: 'PDF' }).waitFor();
	});

	test('of what is dropped, what is empty, too large or no longer there says so, and is not read', async () => {
		await start();
		await let_('drop', [
			{ name: 'folder', bytes: [] },
			{ name: 'huge.mp4', bytes: [0], size: 4_294_967_295 }
		]);
		await page.getByText('The file is empty').waitFor();
		await page.locator(testid('composer-files')).getByText('too large').waitFor();
		assert.deepEqual(await calls('droppedBytes'), []);
		await let_('drop', [{ name: 'cut.txt', bytes: [65], size: 2 }]);
		await page
			.locator(`${testid('composer-files')} ${testid('file')}`, { hasText: 'cut.txt' })
			.getByRole('alert')
			.waitFor();
		assert.equal(await page.isDisabled(testid('send')), true);
	});

	test('a file dropped where none can be taken does not carry the window away', async () => {
		page = await browser.page('lang=en&state=baseline');
		await openRoom(page, 'general');
		assert.equal(await carry('drop', testid('timeline'), 'x.png'), true);
		assert.deepEqual(await calls('addAttachment'), []);
		assert.equal(await page.locator(testid('attach')).count(), 0);
	});

	test('one that cannot be sent says why, holds the message back, and leaves when it is told to', async () => {
		await start();
		await page.fill(testid('composer'), 'see the files');
		await page.setInputFiles(testid('file-input'), [
			{ name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) },
			{ name: 'ok.png', mimeType: 'image/png', buffer: PNG }
		]);
		await page.getByText('The file is empty').waitFor();
		await page.getByText('Some files cannot be sent').waitFor();
		assert.equal(await page.isDisabled(testid('send')), true);
		await page.getByRole('button', { name: 'Remove empty.txt' }).click();
		await ready();
		assert.deepEqual(await names(), ['ok.png']);
	});

	test('one that failed on its way to the disk can be read again', async () => {
		await start();
		await let_('failNext', 'addAttachmentBytes', 'diskFull');
		await page.setInputFiles(testid('file-input'), [{ name: 'x.png', mimeType: 'image/png', buffer: PNG }]);
		await page.click(testid('file-retry'));
		await ready();
	});

	test('text that is pasted with a picture of it, as from a table, is text', async () => {
		await start();
		const taken = await page.evaluate((selector) => {
			const data = new DataTransfer();
			data.setData('text/plain', 'Na 138');
			data.items.add(new File(['x'], 'table.png', { type: 'image/png' }));
			const event = new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data });
			document.querySelector(selector).dispatchEvent(event);
			return event.defaultPrevented;
		}, testid('composer'));
		assert.equal(taken, false);
		assert.deepEqual(await calls('addAttachment'), []);
	});

	test('files wait in their room, also while another is open', async () => {
		await start();
		await page.setInputFiles(testid('file-input'), [{ name: 'mine.png', mimeType: 'image/png', buffer: PNG }]);
		await ready();
		await openRoom(page, 'support');
		assert.equal(await page.locator(testid('composer-files')).count(), 0);
		await openRoom(page, 'general');
		assert.deepEqual(await names(), ['mine.png']);
	});

	test('to a room with a patient they are held back with their message, and come back with it', async () => {
		await start('patient-tanaka');
		await stopClock(page);
		await page.setInputFiles(testid('file-input'), [{ name: 'leaflet.png', mimeType: 'image/png', buffer: PNG }]);
		await page.fill(testid('composer'), 'お読みください');
		await ready();
		await page.click(testid('send'));
		await page.locator(testid('held')).getByText('1 file').waitFor();
		assert.equal(await page.locator(testid('composer-files')).count(), 0);
		await openRoom(page, 'general');
		await page.click(testid('undo'));
		await page.waitForSelector(testid('composer-files'));
		assert.deepEqual(await names(), ['leaflet.png']);
		assert.equal(await page.inputValue(testid('composer')), 'お読みください');
	});

	test('a picture takes its room before it is here, and nothing moves when it comes', async () => {
		page = await browser.page('lang=en&state=busy');
		await page.evaluate(() => {
			const backend = globalThis.fakeBackend;
			const picture = backend.attachmentPicture.bind(backend);
			let let_ = () => {};
			const gate = new Promise((resolve) => (let_ = resolve));
			backend.attachmentPicture = (...args) => gate.then(() => picture(...args));
			globalThis.letPicturesIn = let_;
		});
		await openRoom(page, 'general');
		await page.click(testid('latest'));
		await page.setViewportSize({ width: 1180, height: 1500 });
		await page.waitForSelector(testid('picture'));
		const places = () =>
			page.evaluate(() =>
				[...document.querySelectorAll('[data-testid=message]')]
					.map((row) => [row.dataset.key, Math.round(row.getBoundingClientRect().top)])
					// What is out of sight may be taken away.
					.filter(([, top]) => top >= 0)
			);
		await page.waitForFunction(() => !document.querySelector('[data-testid=latest]'));
		const before = await places();
		assert.ok(before.length > 5);
		await page.evaluate(() => globalThis.letPicturesIn());
		await page.waitForFunction(() => document.querySelectorAll('[data-testid=picture] img').length === 2);
		assert.deepEqual(await places(), before);
	});

	test('pictures are looked at one after the other, large, and saved; by keyboard', async () => {
		page = await browser.page('lang=en&state=busy');
		await views.viewer.open(page);
		const title = () => page.getAttribute(testid('viewer'), 'aria-label');
		assert.equal(await title(), '胸部正面.png');
		await page.keyboard.press('ArrowRight');
		await page.waitForFunction(
			() => document.querySelector('[data-testid=viewer]').getAttribute('aria-label') === '胸部側面.png'
		);
		await page.keyboard.press('+');
		await page.waitForFunction(() => document.querySelector('[data-testid=viewer] img')?.clientWidth === 1600);
		await page.click(testid('viewer-save'));
		await page.getByText('Saved “胸部側面.png”').first().waitFor();
		assert.deepEqual(await calls('saveAttachment'), [{ roomId: 'general', id: 'xray-side' }]);
		await page.keyboard.press('Escape');
		await page.waitForSelector(testid('viewer'), { state: 'detached' });
		await page.waitForFunction(() => document.activeElement?.dataset.testid === 'picture');
	});

	test('a name that turns itself around is shown as what it is, and is told apart', async () => {
		page = await browser.page('lang=en&state=busy');
		await views.files.open(page);
		await page.getByText('検査結果\ufffdgpj.xlsx').waitFor();
	});

	test('offline a message waits with its files, and all of it goes by itself when the link is back', async () => {
		await start();
		await let_('setOnline', false);
		await page.setInputFiles(testid('file-input'), [{ name: 'wound.png', mimeType: 'image/png', buffer: PNG }]);
		await page.fill(testid('composer'), '写真です');
		await ready();
		await page.click(testid('send'));
		const row = page.locator(testid('message'), { hasText: '写真です' });
		await row.getByText('Waiting to send').waitFor();
		assert.equal(await row.locator(testid('picture')).count(), 1);
		assert.equal(await row.getAttribute('data-delivery'), 'queued');
		await let_('setOnline', true);
		await page.waitForSelector(
			`${testid('message')}[data-delivery=sent]:has-text("写真です") ${testid('picture')} img`
		);
		assert.equal((await calls('sendMessage')).length, 1);
	});

	test('how far a file has come is seen, and what stopped it', async () => {
		await start();
		await let_('holdFiles');
		await page.setInputFiles(testid('file-input'), [
			{ name: 'long.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 long') }
		]);
		await ready();
		await page.click(testid('send'));
		const [{ attachments }] = await calls('sendMessage');
		const file = page.locator(`${testid('message-files')} ${testid('file')}`);
		await file.waitFor();
		await let_('moveFile', attachments[0], { kind: 'uploading', bytes: 6 });
		assert.equal(await file.locator('progress').getAttribute('value'), '6');
		await let_('moveFile', attachments[0], { kind: 'failed', problem: 'unsupportedType' });
		await file.getByText('Files of this kind').waitFor();
	});
});
