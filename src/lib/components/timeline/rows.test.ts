import { expect, test } from 'vitest';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import { itemsOf } from './rows';

const row = (key: string, author: string, at: string): MessageView => ({
	key,
	roomId: 'general',
	seq: 1,
	pendingOrder: 0,
	author: { id: author, name: author, userType: 'clinician' },
	own: false,
	content: key,
	priority: 'normal',
	createdAt: new Date(at).toISOString(),
	readBy: 0,
	edited: false,
	deleted: false,
	mentions: [],
	reactions: [],
	acknowledgedBy: [],
	attachments: []
});

test('messages are grouped by person and time, under their day, below the divider', () => {
	const rows = [
		row('a', 'suzuki', '2026-03-01T09:00:00'),
		row('b', 'suzuki', '2026-03-01T09:02:00'),
		row('c', 'suzuki', '2026-03-01T09:20:00'),
		row('d', 'yamada', '2026-03-01T09:21:00'),
		row('e', 'yamada', '2026-03-02T09:21:30')
	];
	const drawn = itemsOf(rows, 'd', true).map((item) =>
		item.kind === 'message' ? `${item.key}${item.first ? '*' : ''}` : item.kind
	);
	expect(drawn).toEqual(['beginning', 'day', 'a*', 'b', 'c*', 'divider', 'd*', 'day', 'e*']);
});

test('the beginning is said only when it is the beginning', () => {
	const rows = [row('a', 'suzuki', '2026-03-01T09:00:00')];
	expect(itemsOf(rows, undefined, false).some((item) => item.kind === 'beginning')).toBe(false);
	expect(itemsOf([], undefined, true)).toEqual([]);
});
