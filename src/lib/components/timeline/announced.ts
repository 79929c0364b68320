/** What a screen reader says of messages that arrive while one looks: each once, and never those one scrolls to. */
import type { MessageView } from '$lib/backend/bindings/MessageView';
import { gistOf } from '$lib/components/files/words';
import type { I18n } from '$lib/i18n/i18n.svelte';

/** With more at once, their number is said. */
const MOST_READ_OUT = 3;

export function announced(i18n: I18n, rows: MessageView[]): string {
	return rows.length > MOST_READ_OUT
		? i18n.t.timeline.newBelow(rows.length)
		: rows.map((row) => i18n.t.message.said(row.author.name, gistOf(row))).join(' ');
}
