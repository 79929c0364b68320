import { beforeEach, describe, expect, test } from 'vitest';
import type { ViewChange } from './bindings/ViewChange';
import { createFakeBackend, type FakeBackend } from './fake';

/** The fake is a tool of many tests; these hold it to what core promises. */
let backend: FakeBackend;
let changes: ViewChange[];
beforeEach(async () => {
	backend = createFakeBackend();
	changes = [];
	await backend.subscribe((item) => {
		if (item.kind === 'events') changes.push(...item.events.map((event) => event.change));
	});
});
const row = async (roomId: string, id: string) => (await backend.messageDetails(roomId, id)).message;
const query = { roomId: null, authorId: null, since: null, until: null, after: null };

describe('pages of the fake backend', () => {
	test('say what lies beyond them, and join without gap or overlap', async () => {
		const around = await backend.loadAround('general', 60);
		expect([around.hasEarlier, around.hasLater]).toEqual([true, true]);
		const seqs = around.messages.map((row) => row.seq ?? 0);
		const earlier = await backend.loadEarlier('general', seqs[0] ?? 0);
		const later = await backend.loadLater('general', seqs.at(-1) ?? 0);
		const all = [...earlier.messages, ...around.messages, ...later.messages].map((row) => row.seq ?? 0);
		expect(all).toEqual(Array.from({ length: all.length }, (_, index) => (all[0] ?? 0) + index));
		expect((await backend.loadLater('general', 120)).hasLater).toBe(false);
		expect((await backend.loadEarlier('general', 20)).hasEarlier).toBe(false);
	});

	test('a place is found by message and by time, and is null where there is none', async () => {
		expect(await backend.locate('general', { kind: 'message', messageId: 'm-general-7' })).toBe(7);
		expect(await backend.locate('general', { kind: 'message', messageId: 'nowhere' })).toBeNull();
		const at = (await row('general', 'm-general-9')).createdAt;
		expect(await backend.locate('general', { kind: 'time', at })).toBe(9);
	});
});

describe('changes of a message in the fake backend', () => {
	test('an edit reaches the message and the quotes of it', async () => {
		await backend.sendMessage({ roomId: 'general', clientMessageId: 'a', content: '返信', replyTo: 'm-general-2' });
		await backend.editMessage('general', 'm-general-2', '直しました');
		expect(await row('general', 'm-general-2')).toMatchObject({ content: '直しました', edited: true });
		const answer = changes.flatMap((change) => (change.kind === 'messagesUpserted' ? change.messages : [])).at(-1);
		expect(answer?.replyTo?.preview).toBe('直しました');
	});

	test('a reaction is one for each person, and goes with the last', async () => {
		backend.react('general', 'm-general-2', 'suzuki', '👍');
		for (const on of [true, true]) await backend.reactToMessage('general', 'm-general-2', '👍', on);
		expect((await row('general', 'm-general-2')).reactions).toEqual([
			{ emoji: '👍', names: ['鈴木 健一', '佐藤 恵'], own: true }
		]);
		await backend.reactToMessage('general', 'm-general-2', '👍', false);
		expect((await row('general', 'm-general-2')).reactions).toMatchObject([{ names: ['鈴木 健一'], own: false }]);
	});

	test('nothing is changed without a connection', async () => {
		backend.setOnline(false);
		await expect(backend.deleteMessage('general', 'm-general-2')).rejects.toMatchObject({ code: 'unreachable' });
		expect((await row('general', 'm-general-2')).deleted).toBe(false);
	});
});

test('the search of the fake backend folds width and kana, needs every word, and marks the place', async () => {
	backend.receive('support', 'yamada', 'ナースコールのテスト ＰＨＳ');
	const { hits } = await backend.search({ ...query, text: 'なーすこーる phs' });
	expect(hits).toHaveLength(1);
	expect(hits[0]?.excerpt.find((part) => part.hit)?.text).toBe('ナースコール');
	expect((await backend.search({ ...query, text: 'なーすこーる 302' })).hits).toEqual([]);
	const page = await backend.search({ ...query, text: '9時半', roomId: 'general' });
	expect(page.hits.every((hit) => hit.message.roomId === 'general')).toBe(true);
});

test('a direct conversation of the fake backend is begun once', async () => {
	const first = await backend.createRoom({ name: null, memberIds: ['kobayashi'] });
	const second = await backend.createRoom({ name: null, memberIds: ['kobayashi'] });
	expect(second.id).toBe(first.id);
	expect(first.name).toBe('小林 大輔');
});
