/** A new computer, in the real window: it speaks its system's language, and a link may name its server, which the person decides. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { field, keepEvidence, testid } from './computer.mjs';
import { Stage } from './stage.mjs';

describe('the first start', () => {
	const stage = new Stage();
	let sato;
	afterEach((context) => keepEvidence(context, { sato }));
	after(() => stage.clear());

	for (const [language, title] of [
		['en_US.UTF-8', 'Sign in'],
		['ja_JP.UTF-8', 'サインイン']
	]) {
		test(`is in the language of the system, as with ${language}`, async () => {
			sato = await stage.computer(language, { language });
			await sato.openApp();
			await eventually(() => sato.sees(field.submit), 20, 'the sign-in');
			assert.equal(await sato.text(field.submit), title);
		});
	}
});

describe('a link to a server', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	let connections = 0;
	/** Stands for the server that the link names, and answers nothing. */
	const named = createServer((socket) => {
		connections++;
		socket.destroy();
	});
	let address, link;

	const isOffered = () => eventually(() => sato.sees(testid('server-offer')), 20, 'the question');

	before(async () => {
		await new Promise((listening) => named.listen(0, '127.0.0.1', listening));
		address = `127.0.0.1:${named.address().port}`;
		link = `hugmedo-chat://server/${address}`;
		sato = await stage.computer('sato');
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		named.close();
		await stage.clear();
	});

	test('that starts the app for the first time is a question, and neither entered nor connected to', async () => {
		await sato.openApp(link);
		await isOffered();
		assert.ok((await sato.text(testid('server-offer'))).includes(`https://${address}`));
		assert.equal(await sato.valueOf(field.server), '');
		await sato.click(testid('server-leave'));
		await eventually(async () => !(await sato.sees(testid('server-offer'))), 10, 'the end of it');
		assert.equal(await sato.valueOf(field.server), '');
		assert.equal(connections, 0);
	});

	test('that is taken fills the address in, and is connected to only once the person wants that', async () => {
		assert.equal(await sato.startAgain(link), 0);
		await isOffered();
		await sato.click(testid('server-take'));
		await eventually(async () => (await sato.valueOf(field.server)) === `https://${address}`, 10, 'the address');
		assert.equal(connections, 0);
		await sato.click(testid('server-test'));
		await eventually(() => connections > 0, 15, 'the connection');
		await eventually(() => sato.sees(`${field.server}[aria-invalid=true]`), 15, 'what is in the way');
	});

	test('that does more than name a server is none', async () => {
		const value = await sato.valueOf(field.server);
		const before = connections;
		for (const more of ['/path', '?token=x', '#x']) assert.equal(await sato.startAgain(`${link}${more}`), 2, more);
		assert.equal(await sato.startAgain(`hugmedo-chat://server/http://${address}`), 2, 'nor one without encryption');
		assert.equal(await sato.sees(testid('server-offer')), false);
		assert.equal(await sato.valueOf(field.server), value);
		assert.equal(connections, before);
	});
});
