import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import type { OutgoingMessage } from '$lib/backend/bindings/OutgoingMessage';
import { MessageActions } from './actions.svelte';
import { Chat } from './chat.svelte';

let backend: FakeBackend;
let chat: Chat;
let actions: MessageActions;
let left: number;
const sent = () => backend.calls.filter((call) => call.name === 'sendMessage').map((call) => call.input);
const button = document.createElement('button');
const row = async (id: string) => (await backend.messageDetails('general', id)).message;

async function start(scene = '') {
	window.name = '';
	left = 0;
	backend = createFakeBackend(new URLSearchParams(scene));
	chat = new Chat(backend);
	await chat.start();
	actions = new MessageActions(
		backend,
		(row, to) => chat.forward(row, to),
		() => chat.session,
		() => null,
		async () => void left++
	);
}
beforeEach(() => start());

describe('what is offered for a message', () => {
	test('is more for one’s own than for another’s', async () => {
		expect(actions.of(await row('m-general-2'))).toEqual([
			'reply',
			'react',
			'copy',
			'forward',
			'edit',
			'details',
			'delete'
		]);
		expect(actions.of(await row('m-general-1'))).toEqual(['reply', 'react', 'copy', 'forward', 'unread', 'details']);
	});

	test('is only a look at it once it was taken back', async () => {
		await backend.deleteMessage('general', 'm-general-2');
		expect(actions.of(await row('m-general-2'))).toEqual(['details']);
	});

	test('is nothing that a baseline server does not know', async () => {
		await start('state=baseline');
		expect(actions.of(await row('m-general-2'))).toEqual(['copy', 'forward']);
	});

	test('is to take on what is urgent, until one has', async () => {
		const urgent = backend.receive('general', 'suzuki', '来てください', { priority: 'urgent' });
		expect(actions.of(urgent)[0]).toBe('acknowledge');
		await actions.do('acknowledge', urgent, button);
		expect(actions.of(await row(urgent.id ?? ''))).not.toContain('acknowledge');
	});
});

test('a room that is marked as unread is left, and counts from there on', async () => {
	const unread = () => chat.rooms.get('general')?.unread;
	await backend.markRead('general', 10_000);
	const others = (await backend.openRoom('general')).page.messages.filter((message) => !message.own);
	await actions.do('unread', others.at(-3)!, button);
	expect(left).toBe(1);
	await expect.poll(unread).toBe(3);
});

test('a reaction is put and taken away by the same press', async () => {
	await actions.react(await row('m-general-1'), '👍');
	expect((await row('m-general-1')).reactions).toMatchObject([{ emoji: '👍', own: true }]);
	await actions.react(await row('m-general-1'), '👍');
	expect((await row('m-general-1')).reactions).toEqual([]);
});

test('nothing is deleted before it was asked, and what fails is said', async () => {
	const own = await row('m-general-2');
	await actions.do('delete', own, button);
	expect([actions.asked?.question, (await row('m-general-2')).deleted]).toEqual(['delete', false]);
	backend.setOnline(false);
	await actions.delete(own);
	expect([actions.problem, (await row('m-general-2')).deleted]).toEqual(['unreachable', false]);
});

test('what is forwarded to a room with a patient is held back there too', async () => {
	await actions.forward(await row('m-general-1'), 'patient-tanaka');
	expect(chat.held.messages).toMatchObject([{ message: { roomId: 'patient-tanaka' } }]);
	chat.held.clear();
	await actions.forward(await row('m-general-1'), 'support');
	expect(sent()).toMatchObject([{ roomId: 'support' }]);
});

describe('files', () => {
	beforeEach(() => start('state=busy'));
	const withFiles = async () => {
		const found = (await backend.openRoom('general')).page.messages.find((row) => row.attachments.length > 1);
		if (!found) throw new Error('no message with files');
		return found;
	};
	const waiting = async () => (await backend.openRoom('support')).attachments;

	test('are forwarded with their message, as copies', async () => {
		const row = await withFiles();
		await actions.forward(row, 'support');
		const [message] = sent() as OutgoingMessage[];
		expect(message?.content).toBe(row.content);
		const copies = (await backend.openRoom('support')).page.messages.at(-1)?.attachments ?? [];
		expect(copies.map((file) => file.name)).toEqual(row.attachments.map((file) => file.name));
		expect(copies.map((file) => file.id)).not.toContain(row.attachments[0]?.id);
		expect(await waiting()).toEqual([]);
		expect(actions.forwarding).toBe(0);
	});

	test('that cannot be had are told, and nothing of them goes or stays', async () => {
		backend.failNext('copyAttachment', 'unreachable');
		await actions.forward(await withFiles(), 'support');
		expect([actions.problem, sent(), await waiting()]).toEqual(['unreachable', [], []]);
		backend.failNext('sendMessage', 'diskFull');
		await actions.forward(await withFiles(), 'support');
		expect([actions.problem, await waiting()]).toEqual(['diskFull', []]);
	});

	test('of what is held back stand in the composer only if it is taken back', async () => {
		const row = await withFiles();
		await actions.forward(row, 'patient-tanaka');
		const adopt = async () => {
			chat.files.adopt('patient-tanaka', (await backend.openRoom('patient-tanaka')).attachments);
			return chat.files.of('patient-tanaka').map(({ view }) => view.name);
		};
		expect(await adopt()).toEqual([]);
		for (const held of chat.held.messages) chat.held.undo(held);
		expect(await adopt()).toEqual(row.attachments.map(({ name }) => name));
	});
});
