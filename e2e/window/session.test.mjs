/** What outlives the app, and what must not: restart, sign-out, and a computer without a keychain. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, keyringItems, testid } from './computer.mjs';
import { Stage } from './stage.mjs';

const stage = new Stage();
let server;

before(async () => {
	server = await stage.server();
});
after(() => stage.clear());

describe('on a computer with a keyring', () => {
	let sato;

	before(async () => {
		sato = await stage.computer('sato');
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.openRoom('general');
		await sato.send('再起動の前に書いた');
		await sato.message('再起動の前に書いた', (row) => ['sent', 'delivered', 'read'].includes(row.delivery));
	});
	afterEach((context) => keepEvidence(context, { sato }));

	const stores = () => filesIn(sato.dataDir).filter((path) => path.endsWith('.db'));

	test('after a restart the person is still signed in, with the history, also without the server', async () => {
		await sato.closeApp();
		await server.kill();
		await sato.openApp();
		await sato.openRoom('general');
		await sato.message('再起動の前に書いた');
		assert.ok(keyringItems(sato) >= 2, 'the session and the key of the store are in the keyring');
		server = await server.restart();
		await sato.isLive();
		await sato.message('再起動の前に書いた');
	});

	test('signing out removes the session, the keyring entries and the history', async () => {
		assert.equal(stores().length, 1);
		await sato.signOut();
		await eventually(() => keyringItems(sato) === 0, 10, 'an empty keyring');
		await eventually(() => stores().length === 0, 10, 'the end of the store');
		await sato.closeApp();
		await sato.openApp();
		await eventually(() => sato.sees(testid('sign-in-form')), 20, 'the sign-in form after a restart');
		assert.equal(await sato.sees(testid('room-item')), false);
	});

	test('someone else can sign in there then, and it is their own', async () => {
		await sato.signIn(server, 'suzuki', 'hugmedo-demo');
		await sato.isLive();
		await sato.openRoom('general');
		assert.equal((await sato.message('再起動の前に書いた')).own, false);
		assert.equal(stores().length, 1);
	});

	test('an administrator revokes the device: it says so, and neither disk nor keyring holds anything', async () => {
		const [device] = server.administer('device', 'list', 'suzuki').split('\n');
		server.administer('device', 'revoke', 'suzuki', JSON.parse(device).id);
		await eventually(() => sato.sees(testid('sign-in-form')), 20, 'the sign-in form');
		await eventually(async () => /消去しました/.test(await sato.text('body')), 20, 'the reason');
		assert.equal(keyringItems(sato), 0);
		assert.deepEqual(stores(), []);
		const [told] = server.administer('device', 'list', 'suzuki').split('\n');
		assert.ok(JSON.parse(told).eraseToldAt, 'and the administrator can see that it was told');
	});

	test('so it does for a device that was off when it was revoked, once it is on again', async () => {
		await sato.signIn(server, 'yamada', 'hugmedo-demo');
		await sato.isLive();
		assert.equal(stores().length, 1);
		await sato.closeApp();
		const [device] = server.administer('device', 'list', 'yamada').split('\n');
		server.administer('device', 'revoke', 'yamada', JSON.parse(device).id);
		assert.ok(stores().length === 1 && keyringItems(sato) > 0, 'nobody could tell it yet');
		await sato.openApp();
		await eventually(async () => /消去しました/.test(await sato.text('body')), 20, 'the reason');
		assert.ok(await sato.sees(testid('sign-in-form')));
		await eventually(() => stores().length === 0 && keyringItems(sato) === 0, 10, 'nothing to be left');
	});
});

describe('on a computer without a keyring', () => {
	let suzuki;

	before(async () => {
		suzuki = await stage.computer('no-keyring', { keyring: false });
		await suzuki.openApp();
	});
	afterEach((context) => keepEvidence(context, { suzuki }));

	test('the app says that it cannot remember, and goes on without remembering', async () => {
		await suzuki.fillSignIn(server, 'suzuki', 'hugmedo-demo');
		const sentence = await eventually(() => suzuki.text(testid('error')), 20, 'the sentence about the keychain');
		assert.match(sentence, /キーチェーン|キーリング|資格情報|保管/, sentence);
		// Nothing has to be typed again.
		await suzuki.clickOn('記憶せずに続ける');
		await eventually(() => suzuki.sees(testid('room-item')), 30, 'to be signed in');
		await suzuki.openRoom('general');
		await suzuki.send('覚えなくても送れます');
		await suzuki.message('覚えなくても送れます', (row) => ['sent', 'delivered', 'read'].includes(row.delivery));
	});

	test('nothing of it is on the disk, and a restart asks to sign in again', async () => {
		assert.deepEqual(
			filesIn(suzuki.dataDir).filter((path) => path.endsWith('.db')),
			[]
		);
		await suzuki.closeApp();
		await suzuki.openApp();
		await eventually(() => suzuki.sees(testid('sign-in-form')), 20, 'the sign-in form');
		assert.equal(await suzuki.sees(testid('room-item')), false);
	});
});

function filesIn(folder) {
	if (!existsSync(folder)) return [];
	return readdirSync(folder, { recursive: true })
		.map((name) => join(folder, name))
		.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}
