import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeBackend, type FakeBackend } from '$lib/backend/fake';
import { Chat } from './chat.svelte';
import { MOST_ROWS, SPARE_ROWS, Timeline } from './timeline.svelte';

let backend: FakeBackend;
let timeline: Timeline;
const seqs = () => timeline.rows.map((row) => row.seq ?? 0);
const whole = (numbers: number[]) =>
	numbers.every((seq, index) => index === 0 || seq === (numbers[index - 1] ?? 0) + 1);

beforeEach(async () => {
	backend = createFakeBackend();
	await backend.subscribe((item) => {
		if (item.kind !== 'events') return;
		for (const { change } of item.events) if (change.kind === 'messagesUpserted') timeline?.upsert(change.messages);
	});
	for (let count = 0; count < 600; count++) backend.receive('general', 'suzuki', `経過 ${count}`);
	await backend.markRead('general', 10_000);
	timeline = new Timeline(backend, await backend.openRoom('general'));
});

test('the rows stay few and without a gap however far one goes up and down again', async () => {
	const newest = seqs().at(-1);
	while (timeline.hasEarlier) {
		await timeline.loadEarlier();
		expect(timeline.rows.length).toBeLessThanOrEqual(MOST_ROWS);
		expect(whole(seqs())).toBe(true);
	}
	expect([seqs()[0], timeline.hasLater]).toEqual([1, true]);
	while (timeline.hasLater) {
		await timeline.loadLater();
		expect(timeline.rows.length).toBeLessThanOrEqual(MOST_ROWS);
		expect(whole(seqs())).toBe(true);
	}
	expect([seqs().at(-1), timeline.hasEarlier]).toEqual([newest, true]);
});

test('for who reads further up the rows stay few too, and what lies below comes again', async () => {
	await timeline.loadEarlier();
	const eye = seqs()[40] ?? 0;
	const earliest = seqs()[0];
	for (let count = 0; count < 1_000; count++) {
		backend.receive('general', 'suzuki', `その後 ${count}`);
		timeline.forgetLater(eye);
		expect(timeline.rows.length).toBeLessThanOrEqual(MOST_ROWS + SPARE_ROWS);
	}
	expect([seqs()[0], timeline.hasLater, whole(seqs())]).toEqual([earliest, true, true]);
	await timeline.loadLater();
	expect(whole(seqs())).toBe(true);
});

test('rows just below the eye stay, however many there are', async () => {
	while (timeline.rows.length < MOST_ROWS) await timeline.loadEarlier();
	const eye = seqs().at(-1) ?? 0;
	for (let count = 0; count < 500; count++) backend.receive('general', 'suzuki', `その後 ${count}`);
	timeline.forgetLater(eye);
	expect(seqs().at(-1)).toBe(eye + SPARE_ROWS);
});

test('a jump loads what is around, and says where there is nothing', async () => {
	expect(await timeline.jump({ kind: 'message', messageId: 'm-general-40' })).toBe(true);
	expect(timeline.target).toEqual({ key: 'm-general-40' });
	expect([timeline.hasEarlier, timeline.hasLater]).toEqual([true, true]);
	expect(await timeline.jump({ kind: 'message', messageId: 'nowhere' })).toBe(false);
	expect(timeline.target).toEqual({ key: 'm-general-40' });
});

test('a jump within what is loaded asks for no page', async () => {
	await timeline.jump({ kind: 'seq', seq: seqs()[3] ?? 0 });
	expect(backend.calls.some((call) => call.name === 'loadAround')).toBe(false);
});

test('what is said beyond the stretch is told, but makes no gap in it', async () => {
	await timeline.jump({ kind: 'seq', seq: 40 });
	const before = seqs();
	const row = backend.receive('general', 'suzuki', 'はるか下で');
	expect(seqs()).toEqual(before);
	expect(timeline.arrived).toMatchObject([{ key: row.key }]);
	await timeline.toLatest();
	expect(seqs().at(-1)).toBe(row.seq);
});

test('a change of an old message is not told as something new', async () => {
	const row = timeline.rows.at(-1);
	if (!row) throw new Error('no rows');
	timeline.upsert([{ ...row, content: '直しました', edited: true }]);
	expect(timeline.arrived).toEqual([]);
});

test('a jump that fails leaves what is shown, and says why', async () => {
	const before = seqs();
	backend.failNext('loadAround', 'unreachable');
	expect(await timeline.jump({ kind: 'seq', seq: 40 })).toBe(false);
	expect([seqs(), timeline.incomplete]).toEqual([before, 'unreachable']);
});

test('the divider is nowhere while what is before it is not loaded', async () => {
	const room = { ...(await backend.openRoom('general')).room, readSeq: 6 };
	const page = await backend.loadAround('general', 300);
	timeline = new Timeline(backend, { room, page, draft: { content: '', mentions: [] }, attachments: [], typing: [] });
	expect(timeline.firstUnread).toBeUndefined();
	await timeline.jump({ kind: 'seq', seq: 7 });
	expect(timeline.rows.find((row) => row.key === timeline.firstUnread)?.seq).toBe(7);
});

describe('a place that is not on this computer, without a connection', () => {
	beforeEach(() => backend.setOnline(false));

	test('leaves the rows that are here, and is asked for again', async () => {
		const before = seqs();
		expect(await timeline.jump({ kind: 'seq', seq: 40 })).toBe(false);
		expect([seqs(), timeline.incomplete]).toEqual([before, 'unreachable']);
		backend.setOnline(true);
		await timeline.retry();
		expect([timeline.target?.key, timeline.incomplete]).toEqual(['m-general-40', undefined]);
	});

	test('is not where a room is opened', async () => {
		const chat = new Chat(backend);
		await chat.start();
		await backend.markUnread('general', 40);
		const open = backend.openRoom;
		// Core shows no more than a page of what is unread; this backend shows all of it.
		backend.openRoom = async (roomId) => {
			const opened = await open(roomId);
			return { ...opened, page: { ...opened.page, messages: opened.page.messages.slice(-50), hasEarlier: true } };
		};
		await chat.openRoom('general');
		expect([chat.timeline?.rows.length, chat.timeline?.incomplete]).toEqual([50, 'unreachable']);
	});

	test('says so where nothing of the room is here, and shows it once it can be had', async () => {
		const opened = await backend.openRoom('general');
		const nothing = { ...opened.page, messages: [], hasEarlier: true, incomplete: 'unreachable' as const };
		timeline = new Timeline(backend, { ...opened, page: nothing });
		expect([timeline.rows, timeline.incomplete]).toEqual([[], 'unreachable']);
		await timeline.retry();
		expect([timeline.rows.length > 0, timeline.incomplete]).toEqual([true, undefined]);
	});
});

test('what is asked for again is what could not be had', async () => {
	await timeline.jump({ kind: 'seq', seq: 1 });
	const last = seqs().at(-1) ?? 0;
	expect([timeline.hasEarlier, timeline.hasLater]).toEqual([false, true]);
	backend.failNext('loadLater', 'timeout');
	await timeline.loadLater();
	expect([timeline.incomplete, timeline.missing]).toEqual(['timeout', 'later']);
	await timeline.retry();
	expect([timeline.incomplete, seqs().at(-1) ?? 0]).toEqual([undefined, last + 50]);
});
