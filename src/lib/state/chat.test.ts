import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { sampleRooms } from '$lib/backend/sample';
import { Chat } from './chat.svelte';

let backend: FakeBackend;
let chat: Chat;
const roomId = sampleRooms()[0]?.view.id ?? '';
const said = () => chat.timeline?.rows.map((row) => row.content) ?? [];
const settled = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(async () => {
	backend = createFakeBackend();
	chat = new Chat(backend);
	await chat.start();
});

describe('the chat', () => {
	test('shows a message that arrives in the open room once, however often it is told', async () => {
		await chat.openRoom(roomId);
		const row = backend.receive(roomId, 'suzuki', '検査結果が出ました');
		backend.publish({ kind: 'messagesUpserted', roomId, messages: [row] });
		expect(said().filter((content) => content === '検査結果が出ました')).toHaveLength(1);
	});

	test('keeps a message that arrives while the room is being opened', async () => {
		const open = backend.openRoom;
		backend.openRoom = async (id) => {
			const opened = await open(id);
			backend.receive(roomId, 'suzuki', '開いている間に');
			return opened;
		};
		await chat.openRoom(roomId);
		expect(said().at(-1)).toBe('開いている間に');
	});

	test('orders rows by position, with unsent ones last as they were written', async () => {
		await chat.openRoom(roomId);
		const row = backend.receive(roomId, 'suzuki', '後');
		const seq = row.seq ?? 0;
		const own = { ...row, own: true, delivery: 'queued' as const, seq: undefined, id: undefined };
		chat.timeline?.upsert([
			{ ...own, key: 'b', content: '未送信二', pendingOrder: 2 },
			{ ...own, key: 'a', content: '未送信一', pendingOrder: 1 },
			{ ...row, key: 'c', content: '最後', seq: seq + 2 },
			{ ...row, key: 'd', content: '途中', seq: seq + 1 }
		]);
		expect(said().slice(-5)).toEqual(['後', '途中', '最後', '未送信一', '未送信二']);
	});

	test('asks again when a change was lost or the channel overflowed', async () => {
		await chat.openRoom(roomId);
		backend.loseNext();
		backend.receive(roomId, 'suzuki', '失われた知らせ');
		await settled();
		expect(said()).toContain('失われた知らせ');
		backend.lag();
		await settled();
		expect(backend.calls.filter((call) => call.name === 'subscribe').length).toBeGreaterThanOrEqual(3);
	});

	test('forgets everything when the session ends, and says why', async () => {
		await chat.openRoom(roomId);
		backend.publish({ kind: 'sessionChanged', session: null, ended: 'expired' });
		expect([chat.rooms.size, chat.timeline, chat.ended]).toEqual([0, null, 'expired']);
	});
});

describe('the open room', () => {
	let backend: FakeBackend;
	let chat: Chat;
	beforeEach(async () => {
		backend = createFakeBackend();
		chat = new Chat(backend);
		await chat.start();
	});

	test('earlier rows come before the others, once, until the beginning', async () => {
		await chat.openRoom('general');
		const timeline = chat.timeline;
		expect(timeline?.hasEarlier).toBe(true);
		await Promise.all([timeline?.loadEarlier(), timeline?.loadEarlier()]);
		expect(backend.calls.filter((call) => call.name === 'loadEarlier')).toHaveLength(1);
		while (timeline?.hasEarlier) await timeline.loadEarlier();
		const seqs = timeline?.rows.map((row) => row.seq);
		expect(seqs).toEqual(Array.from({ length: seqs?.length ?? 0 }, (_, index) => index + 1));
	});

	test('earlier rows that cannot be had are told, and asked for again', async () => {
		await chat.openRoom('general');
		backend.failNext('loadEarlier', 'unreachable');
		await chat.timeline?.loadEarlier();
		expect(chat.timeline?.incomplete).toBe('unreachable');
		await chat.timeline?.loadEarlier();
		expect(chat.timeline?.incomplete).toBeUndefined();
	});

	test('the divider stays where the reading began, also when the badge is gone', async () => {
		await chat.openRoom('patient-tanaka');
		const divider = chat.timeline?.firstUnread;
		expect(divider).toBeDefined();
		await backend.markRead('patient-tanaka', 99);
		expect(chat.rooms.get('patient-tanaka')?.unread).toBe(0);
		expect(chat.timeline?.firstUnread).toBe(divider);
	});

	test('a room chosen while another opens is the one that is shown', async () => {
		await Promise.all([chat.openRoom('general'), chat.openRoom('support')]);
		expect(chat.timeline?.roomId).toBe('support');
	});

	test('being removed from it closes it', async () => {
		await chat.openRoom('support');
		backend.publish({ kind: 'roomRemoved', roomId: 'support' });
		expect([chat.timeline, chat.rooms.has('support')]).toEqual([null, false]);
	});
});
