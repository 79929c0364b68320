/**
 * A web client written from HugMeDo's guide, on the official socket.io-client, against our server as it is: everything the
 * guide lets such a client expect. The payloads are compared with the golden fixtures, which the Rust tests read too.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { stopAll } from '../../scripts/processes.mjs';
import { root } from '../../scripts/setup.mjs';
import { Server } from '../server.mjs';
import { GuideClient } from './guide-client.mjs';

const folder = mkdtempSync(join(tmpdir(), 'hugmedo-interop-'));
let server;
let clients = [];
/** @type {Record<string, { token: string, user: { id: string, name: string, userType: string } }>} */
const people = {};

afterEach(() => {
	for (const client of clients) client.disconnect();
	clients = [];
});

after(async () => {
	await stopAll();
	rmSync(folder, { recursive: true, force: true });
});

for (const [way, options, transport] of [
	['polling first, as the guide connects', {}, 'websocket'],
	['WebSocket only', { transports: ['websocket'] }, 'websocket'],
	['polling only, as behind a proxy that blocks WebSockets', { transports: ['polling'] }, 'polling']
]) {
	describe(`the guide's client, ${way}`, () => {
		// A server for each way: one person may not say as much in a second as all of these tests together do.
		before(async () => {
			server = await Server.start(mkdtempSync(join(folder, 'server-')));
			for (const name of ['sato', 'suzuki', 'tanaka']) people[name] = await server.signIn(name);
		});
		after(() => server.kill());

		const connect = async (name) => {
			const client = new GuideClient(server.address, people[name].token, options);
			clients.push(client);
			await client.until(
				() => client.connected && client.transport === transport,
				`${name} to be connected by ${transport}`
			);
			return client;
		};

		/** Joins, and waits until that has taken effect: what a joined socket sends comes back to it. */
		const connectTo = async (room, name) => {
			const client = await connect(name);
			client.joinRoom(room, people[name].user);
			client.sendMessage(room, { content: `${name} is here` });
			await client.until(() => client.received('new_message').length > 0, `${name} to have joined`);
			return client;
		};

		test("a message reaches everyone in the room, the sender included, once and with the guide's fields", async () => {
			const sato = await connectTo('general', 'sato');
			const suzuki = await connectTo('general', 'suzuki');
			const { payload } = fixture('guide_message');
			sato.sendMessage('general', { ...payload, content: `おはようございます ${way}` });

			for (const client of [sato, suzuki]) {
				const mine = () => client.received('new_message').filter((message) => message.content.endsWith(way));
				await client.until(() => mine().length > 0, 'the message');
				const [message] = mine();
				assertShape(message, fixture('guide_new_message').payload);
				assert.deepEqual(
					{ ...pick(message, ['roomId', 'userId', 'userName', 'userType', 'attachments', 'metadata']) },
					{
						roomId: 'general',
						userId: 'sato',
						userName: people.sato.user.name,
						userType: 'clinician',
						attachments: [],
						metadata: payload.metadata
					}
				);
				assert.match(message.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
			}

			// A later message is a fence: by the time it is there, a second copy of the first would be too.
			suzuki.sendMessage('general', { content: 'fence' });
			for (const client of [sato, suzuki]) {
				await client.until(
					() => client.received('new_message').some(({ content }) => content === 'fence'),
					'the fence'
				);
				assert.equal(client.received('new_message').filter(({ content }) => content.endsWith(way)).length, 1);
				assert.equal(
					new Set(client.received('new_message').map(({ id }) => id)).size,
					client.received('new_message').length
				);
			}
		});

		test('messages come in the order they were sent', async () => {
			const sato = await connectTo('general', 'sato');
			const suzuki = await connectTo('general', 'suzuki');
			const texts = Array.from({ length: 8 }, (_, number) => `${way} ${number}`);
			for (const content of texts) sato.sendMessage('general', { content });
			const got = () =>
				suzuki
					.received('new_message')
					.map(({ content }) => content)
					.filter((content) => texts.includes(content));
			await suzuki.until(() => got().length >= texts.length, 'all messages');
			assert.deepEqual(got(), texts);
		});

		test('typing is told to the others in the room, not to the one who types', async () => {
			const sato = await connectTo('general', 'sato');
			const suzuki = await connectTo('general', 'suzuki');
			sato.sendTyping('general', people.sato.user, true);
			sato.sendTyping('general', people.sato.user, false);
			await suzuki.until(() => suzuki.received('typing').length >= 2, 'typing on and off');
			const [on, off] = suzuki.received('typing');
			assertShape(on, fixture('guide_typing_notice').payload);
			assert.deepEqual(pick(on, ['roomId', 'userId', 'userName', 'isTyping']), {
				roomId: 'general',
				userId: 'sato',
				userName: people.sato.user.name,
				isTyping: true
			});
			assert.equal(off.isTyping, false);
			assert.deepEqual(sato.received('typing'), []);
		});

		test("a member who has not joined the room is notified instead, without the message's text", async () => {
			const sato = await connectTo('general', 'sato');
			const suzuki = await connectTo('support', 'suzuki');
			sato.sendMessage('general', { content: 'only for those who are here' });
			const about = (client) => client.received('notification').filter(({ room }) => room === 'general');
			await suzuki.until(() => about(suzuki).length > 0, 'the notification');
			const [notification] = about(suzuki).slice(-1);
			assertShape(notification, fixture('guide_notification').payload);
			assert.equal(notification.roomId, 'general');
			assert.ok(notification.unread >= 1);
			assert.ok(!JSON.stringify(notification).includes('only for those'));
			assert.ok(suzuki.received('new_message').every(({ roomId }) => roomId !== 'general'));
		});

		test('after leave_room the room is silent', async () => {
			const sato = await connectTo('general', 'sato');
			const suzuki = await connectTo('general', 'suzuki');
			suzuki.leaveRoom('general', people.suzuki.user);
			// One socket's events are handled in order: once this message is back, the leave has taken effect.
			suzuki.joinRoom('support', people.suzuki.user);
			suzuki.sendMessage('support', { content: 'left' });
			await suzuki.until(
				() => suzuki.received('new_message').some(({ content }) => content === 'left'),
				'the leave to take effect'
			);
			sato.sendMessage('general', { content: `after leaving ${way}` });
			await suzuki.until(
				() => suzuki.received('notification').some(({ room }) => room === 'general'),
				'the notification'
			);
			assert.ok(suzuki.received('new_message').every(({ content }) => content !== `after leaving ${way}`));
		});

		test('a bad token is refused with a connect_error that says why', async () => {
			for (const token of ['not-a-token', '', undefined]) {
				const stranger = new GuideClient(server.address, token, options);
				clients.push(stranger);
				await stranger.until(() => stranger.error, 'the refusal');
				assert.equal(stranger.error, 'unauthorized');
				assert.equal(stranger.connected, false);
			}
		});

		test('someone who is not a member of a room hears nothing of it and says nothing in it', async () => {
			const tanaka = await connect('tanaka');
			tanaka.joinRoom('general', people.tanaka.user);
			tanaka.sendMessage('general', { content: 'let me in' });
			const sato = await connectTo('general', 'sato');
			sato.sendMessage('patient-tanaka', { content: `for you ${way}` });
			await tanaka.until(
				() => tanaka.received('notification').some(({ room }) => room === 'patient-tanaka'),
				'what is meant for them'
			);
			assert.deepEqual(tanaka.received('new_message'), []);
			assert.ok(tanaka.received('notification').every(({ room }) => room !== 'general'));
			assert.ok(sato.received('new_message').every(({ content }) => content !== 'let me in'));
		});

		test('a client that asks for an ack gets one, also when it names someone else', async () => {
			const sato = await connectTo('general', 'sato');
			const joined = await sato.emitWithAck('join_room', fixture('guide_join_room').payload);
			assertShape(joined, fixture('join_room').ack);
			const refused = await sato.emitWithAck('join_room', { ...fixture('guide_join_room').payload, userId: 'suzuki' });
			assert.deepEqual(pick(refused, ['ok', 'code']), { ok: false, code: 'forbidden' });
		});
	});
}

function fixture(name) {
	return JSON.parse(readFileSync(join(root, 'crates', 'protocol', 'fixtures', `${name}.json`), 'utf8'));
}

/** Every field of the fixture is there, with a value of the same kind; more fields may be. */
function assertShape(value, fixture, path = 'payload') {
	for (const [key, expected] of Object.entries(fixture)) {
		assert.ok(key in value, `${path}.${key} is missing`);
		assert.equal(kind(value[key]), kind(expected), `${path}.${key}`);
	}
}

function kind(value) {
	return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}

function pick(value, keys) {
	return Object.fromEntries(keys.map((key) => [key, value[key]]));
}
