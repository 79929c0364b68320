/**
 * Newer versions, in the real window, from a feed on this computer: what is signed, newer and whole is offered and put in place, at
 * the person's word or while nobody is here; anything else is refused and changes nothing.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { root } from '../../scripts/setup.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Feed } from './feed.mjs';
import { IdleMonitor } from './peers.mjs';
import { Stage } from './stage.mjs';

/** Looks for a newer version, as a person does, and answers the state that is shown. */
async function look(computer) {
	await computer.click(testid('update-look'));
	const isAnswered = async () => (await computer.attribute(testid('update-look'), 'aria-busy')) !== 'true';
	await eventually(isAnswered, 30, 'an answer');
	return computer.attribute(testid('update-state'), 'data-state');
}

/** The app has begun anew: its page ended with its process, and the driver's session with it. */
async function beginsAnew(computer) {
	await computer.crashApp();
	await computer.openApp();
	await computer.isLive();
}

describe('newer versions', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {Feed} */ let feed;
	/** @type {IdleMonitor} */ let monitor;
	let server;

	before(async () => {
		feed = await Feed.start(join(stage.folder, 'feed'));
		server = await stage.server();
		// There a test can say how long nobody has touched the computer.
		sato = await stage.computer('sato', { env: feed.build, sessionType: 'wayland' });
		monitor = await IdleMonitor.start(sato);
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.click(testid('settings'));
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		feed?.stop();
		monitor?.stop();
		await stage.clear();
	});

	test('an older one, and this one again, is none', async () => {
		for (const version of ['0.0.9', JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version]) {
			feed.announce(version);
			assert.equal(await look(sato), 'newest', version);
		}
		feed.isUntouched();
	});

	test('one that was tampered with, is not signed, or is signed by someone else is refused', async () => {
		feed.announce('99.0.0', feed.sign(Buffer.concat([feed.handed, Buffer.from('!')]), '99.0.0'));
		assert.equal(await look(sato), 'failed', 'other bytes than were signed');
		feed.announce('99.0.0', '');
		assert.equal(await look(sato), 'failed', 'no signature');
		feed.announce('99.0.0', feed.sign(feed.handed, '99.0.0', 'theirs'));
		assert.equal(await look(sato), 'failed', 'another key');
		feed.isUntouched();
	});

	test('an old one that is announced as a newer one is refused', async () => {
		feed.announce('99.0.0', feed.sign(feed.handed, '0.0.9'));
		assert.equal(await look(sato), 'failed');
		feed.isUntouched();
	});

	test('one that comes half is refused', async () => {
		feed.announce('99.0.0');
		feed.cutOff = true;
		assert.equal(await look(sato), 'failed');
		feed.cutOff = false;
		feed.isUntouched();
	});

	test('one that cannot be put in place is said to have failed, and the app goes on as it was', async () => {
		const whole = feed.handed;
		// Signed, and no program: it passes every check but the last, which is made when it is put in place.
		feed.handed = Buffer.from('not a program');
		feed.announce('99.0.0');
		assert.equal(await look(sato), 'ready');
		await sato.click(testid('update-begin'));
		await eventually(() => sato.sees(testid('update-problem')), 20, 'word of the failure');
		feed.isUntouched();
		// The same page in the same window, which a fresh start would have ended; and core behind it still looks.
		feed.handed = whole;
		feed.announce('0.0.9');
		assert.equal(await look(sato), 'newest');
	});

	test('a signed newer one is offered, does not touch anything by that, and is put in place when the person says so', async () => {
		feed.announce('99.0.0');
		assert.equal(await look(sato), 'ready');
		assert.match(await sato.text(testid('update-state')), /99\.0\.0/);
		feed.isUntouched();
		await sato.click(testid('update-begin'));
		await eventually(() => feed.isInPlace(), 20, 'the newer version in its place');
	});

	test('the app has begun anew, signed in as before', () => beginsAnew(sato));

	test('while an urgent message waits for an answer the app changes to none, neither at the person’s word nor by itself', async () => {
		const present = feed.handed;
		feed.handed = Buffer.concat([readFileSync('/bin/false'), Buffer.from('100.0.0')]);
		feed.announce('100.0.0');
		// No room is shown there, so that what comes in alerts.
		await sato.click(testid('settings'));
		const message = { content: '救急外来に来てください', attachments: [], metadata: {}, priority: 'urgent' };
		const { token } = await server.signIn('suzuki');
		const body = { ...message, clientMessageId: randomUUID() };
		const said = await server.call('POST', '/api/rooms/general/messages', { token, body });
		assert.equal(said.status, 200);

		assert.equal(await look(sato), 'ready');
		const waits = async () =>
			/100\.0\.0.*至急のメッセージへの応答が済むまで/.test(await sato.text(testid('update-state')));
		await eventually(waits, 15, 'the call, and that it comes first');
		assert.equal(await sato.attribute(testid('update-begin'), 'disabled'), '');
		await assert.rejects(sato.command('begin_newer'), 'nor is a page that asks all the same obeyed');
		// Nobody is here for long enough. What locks the app asks each second: meanwhile it has been thought of more than once.
		monitor.idle = 301_000;
		const asked = monitor.asked;
		await eventually(() => monitor.asked > asked + 15, 60, 'the time in which it would have changed');
		feed.isUntouched(present);
		assert.ok(await sato.sees(testid('update-begin')), 'the same page as before');

		// Someone else takes it on, elsewhere.
		const yamada = await server.signIn('yamada');
		const taken = { roomId: 'general', messageId: said.body.id };
		const answer = await server.call('POST', '/api/events/acknowledge', { token: yamada.token, body: taken });
		assert.equal(answer.status, 200);
		await eventually(() => feed.isInPlace(), 30, 'the newer version in its place, by itself');
	});

	test('by itself it has begun anew as at the person’s word, and waits with the next one while someone is here', async () => {
		monitor.idle = 0;
		await beginsAnew(sato);
		const present = feed.handed;
		feed.handed = Buffer.concat([readFileSync('/bin/false'), Buffer.from('101.0.0')]);
		feed.announce('101.0.0');
		await sato.click(testid('settings'));
		assert.equal(await look(sato), 'ready');
		monitor.idle = 299_000;
		const asked = monitor.asked;
		await eventually(() => monitor.asked > asked + 15, 60, 'the time in which it would have changed');
		feed.isUntouched(present);
	});
});

describe('newer versions under a policy', () => {
	const stage = new Stage();
	const policy = join(stage.folder, 'policy.json');
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {Feed} */ let built;
	/** @type {Feed} */ let own;

	const isDecided = (decided) => writeFileSync(policy, JSON.stringify(decided), { mode: 0o644 });

	before(async () => {
		built = await Feed.start(join(stage.folder, 'built'));
		own = await Feed.start(join(stage.folder, 'own'), { encrypted: true });
		const server = await stage.server();
		// The operating system trusts the organisation's feed.
		const env = { ...built.build, HUGMEDO_CHAT_POLICY_FILE: policy, SSL_CERT_FILE: own.certificate };
		sato = await stage.computer('sato', { env });
		isDecided({ updates: 'off' });
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		built?.stop();
		own?.stop();
		await stage.clear();
	});

	test('that wants none nothing is asked for, whatever the page asks', async () => {
		built.announce('99.0.0');
		await sato.click(testid('settings'));
		await eventually(() => sato.sees(testid('managed-updates')), 15, 'whose it is');
		const isOff = async () => (await sato.attribute(testid('update-state'), 'data-state')) === 'off';
		await eventually(isOff, 15, 'what the policy says');
		assert.equal(await sato.sees(testid('update-look')), false);
		assert.equal((await sato.command('look_for_update')).state, 'off');
		assert.deepEqual(built.asked, []);
	});

	test('that names a channel and a feed of its own those are asked, and the build’s key decides all the same', async () => {
		isDecided({ updates: 'beta', updateFeed: `${own.address}/for/{channel}.json` });
		await beginsAnew(sato);
		await sato.click(testid('settings'));
		// Signed with a key of the organisation's own.
		own.announce('99.0.0');
		assert.equal(await look(sato), 'failed');
		assert.deepEqual(own.asked, ['/for/beta.json', '/app']);
		own.announce('99.0.0', built.sign(own.handed, '99.0.0'));
		assert.equal(await look(sato), 'ready');
		await sato.click(testid('update-begin'));
		await eventually(() => built.isInPlace(own.handed), 20, 'the newer version in its place');
		assert.deepEqual(built.asked, []);
	});
});
