/** Files between two clinicians in real windows, over the real server, with a network that goes away. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, afterEach, before, describe, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Dragging } from './dragging.mjs';
import { Stage } from './stage.mjs';

/** A picture of noise, which nothing can make smaller: some megabytes. */
function noise(width, height) {
	const chunk = (type, data) => {
		const body = Buffer.concat([Buffer.from(type), data]);
		const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
		length.writeUInt32BE(data.length);
		sum.writeUInt32BE(crc32(body));
		return Buffer.concat([length, body, sum]);
	};
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width, 0);
	header.writeUInt32BE(height, 4);
	header.set([8, 2, 0, 0, 0], 8);
	const rows = Array.from({ length: height }, () => Buffer.concat([Buffer.from([0]), randomBytes(width * 3)]));
	return Buffer.concat([
		Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
		chunk('IHDR', header),
		chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 0 })),
		chunk('IEND', Buffer.alloc(0))
	]);
}

describe('files', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {import('./computer.mjs').Computer} */ let suzuki;
	let server;

	/** Chooses files as the dialog of the system would hand them over. */
	const choose = (computer, files) =>
		computer.page.run(
			`function (selector, files) {
				const data = new DataTransfer();
				for (const { name, base64 } of files) {
					data.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
				}
				const input = document.querySelector(selector);
				input.files = data.files;
				input.dispatchEvent(new Event('change', { bubbles: true }));
			}`,
			testid('file-input'),
			files.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') }))
		);
	const isReady = (computer) =>
		eventually(() => computer.sees(`${testid('send')}:not(:disabled)`), 60, 'the files to be read');
	/** The names of files in the messages that are shown, and the sizes of pictures that are drawn. */
	const shown = (computer) =>
		computer.page.run(
			`function (selector) {
				const all = (wanted) => [...document.querySelectorAll(selector + ' ' + wanted)];
				return {
					names: all('.name').map((name) => name.textContent),
					pictures: all('[data-testid=picture] img').map((image) => image.naturalWidth)
				};
			}`,
			testid('message')
		);

	before(async () => {
		server = await stage.server();
		[sato, suzuki] = await Promise.all([stage.computer('sato'), stage.computer('suzuki')]);
		await Promise.all([sato.openApp(), suzuki.openApp()]);
		await Promise.all([sato.signIn(server, 'sato', 'hugmedo-demo'), suzuki.signIn(server, 'suzuki', 'hugmedo-demo')]);
		await Promise.all([sato.isLive(), suzuki.isLive()]);
		await Promise.all([sato.openRoom('general'), suzuki.openRoom('general')]);
	});
	afterEach((context) => keepEvidence(context, { sato, suzuki }));
	after(() => stage.clear());

	test('a picture and a document arrive in the other window, the picture drawn', async () => {
		const document = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.from('退院サマリーの中身 '.repeat(50_000))]);
		await choose(sato, [
			{ name: '創部.png', bytes: noise(900, 700) },
			{ name: '退院サマリー.pdf', bytes: document }
		]);
		await isReady(sato);
		await sato.send('写真と退院サマリーです。');
		await suzuki.message('写真と退院サマリーです。');
		await eventually(async () => (await shown(suzuki)).pictures.some((width) => width > 0), 30, 'the picture');
		assert.ok((await shown(suzuki)).names.includes('退院サマリー.pdf'));
		await sato.message('写真と退院サマリーです。', (row) => ['delivered', 'read'].includes(row.delivery));
		await Promise.all([sato.isPainted(), suzuki.isPainted()]);
		suzuki.picture('files');
	});

	test('the picture is shown large, as large as it is', async () => {
		await suzuki.click(testid('picture'));
		const width = `function () { return document.querySelector('[data-testid=viewer] img')?.naturalWidth ?? 0; }`;
		await eventually(async () => (await suzuki.page.run(width)) === 900, 30, 'the whole picture');
		suzuki.picture('viewer');
		await suzuki.click(`${testid('viewer')} button[aria-label="閉じる"]`);
		await eventually(async () => !(await suzuki.sees(testid('viewer'))), 10, 'the viewer to close');
	});

	test('without a network files wait, outlive an app that is killed, and go out with their message, once', async () => {
		await server.kill();
		await eventually(async () => (await sato.connection()) === 'offline', 60, 'the window to say that it is offline');
		await choose(sato, [{ name: '待つ写真.png', bytes: noise(300, 200) }]);
		await isReady(sato);
		await sato.send('つながったら写真も');
		await sato.message('つながったら写真も', (row) => ['queued', 'sending'].includes(row.delivery));
		await sato.crashApp();
		await sato.openApp();
		server = await server.restart();
		await sato.openRoom('general');
		await sato.isLive();
		await sato.message('つながったら写真も', (row) => ['sent', 'delivered', 'read'].includes(row.delivery));
		const { token } = await server.signIn('suzuki');
		const { body } = await server.call('GET', '/api/rooms/general/messages?limit=200', { token });
		const found = body.messages.filter(({ content }) => content === 'つながったら写真も');
		assert.deepEqual(
			found.map(({ attachments }) => attachments.map(({ name, width }) => [name, width])),
			[[['待つ写真.png', 300]]]
		);
	});

	test('files that wait in a composer are there again after the app was killed', async () => {
		await choose(sato, [{ name: '書きかけの添付.png', bytes: noise(120, 90) }]);
		await isReady(sato);
		await sato.crashApp();
		await sato.openApp();
		await sato.openRoom('general');
		const waits = `function () { return document.querySelector('[data-testid=composer-files]')?.textContent ?? ''; }`;
		await eventually(async () => (await sato.page.run(waits)).includes('書きかけの添付.png'), 20, 'the file');
	});

	/** The names of the files that wait beside what is written. */
	const waiting = (computer) =>
		computer.page.run(
			`function (selector) { return [...document.querySelectorAll(selector)].map((name) => name.textContent); }`,
			`${testid('composer-files')} .name`
		);

	test('files are dragged into the window from another program, and go with the message', async () => {
		const folder = join(stage.folder, '紹介 状');
		mkdirSync(folder);
		const paths = [join(folder, '創部 1.png'), join(folder, '検査.pdf')];
		writeFileSync(paths[0], noise(900, 700));
		writeFileSync(paths[1], '%PDF-1.7 検査の結果');
		const [, x, y] = /X=(\d+)\nY=(\d+)/.exec(suzuki.desktop.xdotool('getwindowgeometry', '--shell', suzuki.window));
		const over = (dragging) => dragging.over(suzuki.window, Number(x) + 700, Number(y) + 300);
		const begin = (kinds) => Dragging.begin(suzuki.desktop.env.DISPLAY, kinds);
		// A link of a browser is no file, whatever it leads to.
		const link = await begin({
			'text/uri-list': 'file:///etc/passwd\r\n',
			'text/html': '<a href="file:///etc/passwd">x</a>'
		});
		if (await over(link)) await link.drop();
		link.end();
		const files = await begin({ 'text/uri-list': paths.map((path) => `${pathToFileURL(path)}\r\n`).join('') });
		assert.ok(await over(files), 'the window takes files');
		await eventually(() => suzuki.sees(testid('drop-invitation')), 15, 'the invitation');
		files.leave();
		await eventually(async () => !(await suzuki.sees(testid('drop-invitation'))), 15, 'the invitation to go');
		assert.ok(await over(files));
		assert.ok(await files.drop(), 'they are taken');
		files.end();
		await isReady(suzuki);
		assert.deepEqual(await waiting(suzuki), ['創部 1.png', '検査.pdf']);
		await suzuki.send('紹介状です');
		await sato.message('紹介状です');
		const { token } = await server.signIn('sato');
		const { body } = await server.call('GET', '/api/rooms/general/messages?limit=200', { token });
		const { attachments } = body.messages.find(({ content }) => content === '紹介状です');
		assert.deepEqual(
			attachments.map(({ name, mediaType, width, size }) => [name, mediaType, width ?? null, size]),
			[
				['創部 1.png', 'image/png', 900, statSync(paths[0]).size],
				['検査.pdf', 'application/pdf', null, statSync(paths[1]).size]
			]
		);
	});

	test('neither computer has a byte of them in the clear', async () => {
		const secret = Buffer.from('退院サマリーの中身');
		let looked = 0;
		for (const { dataDir } of [sato, suzuki]) {
			for (const name of readdirSync(dataDir, { recursive: true, encoding: 'utf8' })) {
				const path = join(dataDir, name);
				if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
				looked++;
				assert.ok(!readFileSync(path).includes(secret), `${name} holds what a file says`);
			}
		}
		assert.ok(looked > 10, 'there was something to look at');
	});
});
