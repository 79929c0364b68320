/** Nothing is lost and nothing is doubled: a server that goes away and comes back, a page that is loaded again mid-send. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence } from './computer.mjs';
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

	test('a page that is loaded again in the middle of sending sends exactly once', async () => {
		for (let round = 0; round < 5; round++) {
			const text = `再読み込み ${round} 回目`;
			await sato.write(text);
			// Enter and the reload in one step of the page: the command is on its way when the page goes.
			await sato.write(Key.enter);
			await sato.page.reload();
			await sato.openRoom('general');
			await sato.message(text, sent);
		}
		const { token } = await server.signIn('suzuki');
		const { body } = await server.call('GET', '/api/rooms/general/messages?limit=200', { token });
		for (let round = 0; round < 5; round++) {
			assert.equal(
				body.messages.filter(({ content }) => content === `再読み込み ${round} 回目`).length,
				1,
				`round ${round}`
			);
		}
	});

	test('a draft is there again after the page is loaded again', async () => {
		await sato.write('書きかけの文');
		await eventually(
			async () => {
				await sato.page.reload();
				await sato.openRoom('general');
				return (await sato.draft()) === '書きかけの文';
			},
			20,
			'the draft'
		);
	});
});
