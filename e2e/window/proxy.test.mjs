/** A hospital whose only way out is a proxy: it is set before signing in, and the app says what it can do through it. */
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Stage } from './stage.mjs';

describe('behind a proxy', () => {
	const stage = new Stage();
	const proxy = forwarder();
	const field = (name) => `${testid('connection-settings')} [name=${name}]`;
	const sent = (row) => ['sent', 'delivered', 'read'].includes(row.delivery);
	let server, sato;

	before(async () => {
		server = await stage.server();
		await new Promise((listening) => proxy.server.listen(0, '127.0.0.1', listening));
		sato = await stage.computer('sato');
		await sato.openApp();
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		await stage.clear();
		proxy.server.closeAllConnections();
		proxy.server.close();
	});

	test('a proxy that cannot be one is refused at its field', async () => {
		await sato.click(`${testid('connection-details')} summary`);
		await sato.fill(field('proxy'), 'ftp://127.0.0.1');
		await sato.click(testid('connection-save'));
		await eventually(() => sato.sees(`${field('proxy')}[aria-invalid=true]`), 15, 'the refusal');
	});

	test('the one that is set is used to sign in, and the window says that the connection is limited', async () => {
		await sato.fill(field('proxy'), `http://127.0.0.1:${proxy.server.address().port}`);
		await sato.click(testid('connection-save'));
		await eventually(async () => /保存しました/.test(await sato.text(testid('connection-said'))), 15, 'it to be saved');
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		assert.ok(proxy.paths.has('/api/login'), 'signing in went through the proxy');
		await eventually(async () => (await sato.connection()) === 'limited', 30, 'a limited connection');
		assert.match(await sato.text(testid('limit')), /入力中の表示はありません。 プロキシを使う/);
		await sato.isPainted();
		sato.picture('limited');
	});

	test('messages go and come all the same', async () => {
		await sato.openRoom('general');
		await sato.send('プロキシを通って届きます');
		await sato.message('プロキシを通って届きます', sent);
		const { token } = await server.signIn('suzuki');
		const { body } = await server.call('GET', '/api/rooms/general/messages?limit=200', { token });
		assert.equal(body.messages.filter(({ content }) => content === 'プロキシを通って届きます').length, 1);
	});

	test('without the proxy the connection is live again, and nothing speaks of a limit any more', async () => {
		await sato.click(testid('settings'));
		// Comes from the server, and is above.
		await eventually(() => sato.sees(testid('device')), 15, 'the devices');
		await sato.click(testid('connection-reset'));
		await sato.click(testid('connection-save'));
		await eventually(async () => /保存しました/.test(await sato.text(testid('connection-said'))), 15, 'it to be saved');
		await sato.click('main > header a');
		await sato.isLive();
		assert.equal(await sato.sees(testid('limit')), false);
	});
});

/** A proxy that passes plain requests on, and knows nothing of sockets. */
function forwarder() {
	const paths = new Set();
	const server = createServer((asked, answer) => {
		const url = new URL(asked.url);
		paths.add(url.pathname);
		const passed = request(url, { method: asked.method, headers: asked.headers }, (answered) => {
			answer.writeHead(answered.statusCode, answered.headers);
			answered.pipe(answer);
		});
		passed.on('error', () => answer.writeHead(502).end());
		asked.pipe(passed);
	});
	return { server, paths };
}
