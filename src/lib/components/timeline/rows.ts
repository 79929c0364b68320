/** What the timeline draws, from the rows of a room: day dividers, the 'new messages' divider, grouped messages. */
import type { MessageView } from '$lib/backend/bindings/MessageView';

/** Messages of one person this close together are one group: the name stands above the first only. */
const GROUP_MS = 5 * 60_000;

export type Item =
	| { kind: 'beginning'; key: string }
	| { kind: 'day'; key: string; at: string }
	| { kind: 'divider'; key: string }
	| { kind: 'message'; key: string; row: MessageView; first: boolean };

export function itemsOf(rows: MessageView[], firstUnread: string | undefined, complete: boolean): Item[] {
	const items: Item[] = [];
	if (complete && rows.length > 0) items.push({ kind: 'beginning', key: 'beginning' });
	let before: MessageView | undefined;
	for (const row of rows) {
		const newDay = !before || dayOf(before) !== dayOf(row);
		if (newDay) items.push({ kind: 'day', key: `day:${dayOf(row)}:${row.key}`, at: row.createdAt });
		if (row.key === firstUnread) items.push({ kind: 'divider', key: 'divider' });
		const grouped =
			!newDay &&
			row.key !== firstUnread &&
			before?.author.id === row.author.id &&
			Date.parse(row.createdAt) - Date.parse(before.createdAt) < GROUP_MS;
		items.push({ kind: 'message', key: row.key, row, first: !grouped });
		before = row;
	}
	return items;
}

function dayOf(row: MessageView): string {
	return new Date(row.createdAt).toDateString();
}
