import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { MessageActions } from './actions.svelte';
import { Chat } from './chat.svelte';

let backend: FakeBackend;
let chat: Chat;
let actions: MessageActions;
let left: number;
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
		(message) => chat.send(message),
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
	const sent = backend.calls.filter((call) => call.name === 'sendMessage').map((call) => call.input);
	expect(sent).toMatchObject([{ roomId: 'support' }]);
});
