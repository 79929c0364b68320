/** Nothing is lost and nothing is doubled: a server that goes away and comes back, a page that is loaded again mid-send. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, roomItem, testid } from './computer.mjs';
import { Stage } from './stage.mjs';
import { Key } from './webdriver.mjs';

describe('one clinician', () => {
	const stage = new Stage();
	let server, sato;
	const sent = (row) => ['sent', 'delivered', 'read'].includes(row.delivery);

	before(async () => {
		server = await stage.server();
		sato = await stage.computer('sato');
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.openRoom('general');
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(() => stage.clear());

	test('without the server the window says so, and a message waits', async () => {
		await server.kill();
		await eventually(async () => (await sato.connection()) === 'offline', 60, 'the window to say that it is offline');
		await sato.send('つながったら送ってください');
		const waiting = await sato.message('つながったら送ってください');
		assert.ok(['queued', 'sending'].includes(waiting.delivery), `it is ${waiting.delivery}`);
		await sato.isPainted();
	});

	test('what waits is listed for all rooms, with why and since when', async () => {
		await sato.openRoom('support');
		await sato.click(testid('waiting-entry'));
		assert.match(await sato.text(testid('waiting-item')), /つながったら送ってください/);
		assert.match(await sato.text(testid('waiting-why')), /からオフラインです。つながると自動で送信されます/);
		await sato.isPainted();
		sato.picture('waiting');
		await sato.clickOn('閉じる');
		await sato.openRoom('general');
	});

	test('what waits outlives an app that is killed, and goes out by itself when the server is back, once', async () => {
		await sato.crashApp();
		await sato.openApp();
		await sato.openRoom('general');
		await sato.message('つながったら送ってください');
		server = await server.restart();
		await sato.isLive();
		await sato.message('つながったら送ってください', sent);
		const { token } = await server.signIn('suzuki');
		const { body } = await server.call('GET', '/api/rooms/general/messages?limit=200', { token });
		assert.equal(body.messages.filter(({ content }) => content === 'つながったら送ってください').length, 1);
	});

	test('a page that is loaded again in the middle of sending neither loses nor doubles the message', async () => {
		const texts = Array.from({ length: 6 }, (_, round) => `再読み込み ${round} 回目`);
		for (const text of texts) {
			// The page goes while the command is on its way, a little later each time.
			await sato.write(`${text}${Key.enter}`);
			await sato.page.reload();
			await sato.openRoom('general');
			const shown = async () => (await sato.messages()).some((row) => row.text.includes(text));
			const kept = async () => (await sato.draft()) === text;
			await eventually(async () => (await shown()) || (await kept()), 15, `${text}, sent or kept`);
			// Either it is on its way, or it is still there to be sent: never both, or it would be sent again by hand.
			if (await kept()) {
				assert.equal(await shown(), false, `${text} is sent, and still in the composer`);
				await sato.write(Key.enter);
			}
			await sato.message(text, sent);
			assert.equal(await sato.draft(), '');
		}
		const { token } = await server.signIn('suzuki');
		const { body } = await server.call('GET', '/api/rooms/general/messages?limit=200', { token });
		const onServer = body.messages.map(({ content }) => content).filter((content) => texts.includes(content));
		assert.deepEqual(onServer, texts);
	});

	test('a draft outlives the app, even one that is killed', async () => {
		await sato.write('書きかけの文');
		await sato.openRoom('support');
		await eventually(async () => /下書き/.test(await sato.text(roomItem('general'))), 15, 'the mark of a draft');
		await sato.crashApp();
		await sato.openApp();
		await sato.openRoom('general');
		assert.equal(await sato.draft(), '書きかけの文');
	});
});
