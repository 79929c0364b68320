/**
 * What the person has before their eyes, told to core: which room, whether its end is in sight, and how far it was read.
 *
 * Invariant: a row counts as read only after a second on a screen that has the focus, and only where all before it is here to be
 * read too.
 */
import type { Chat } from '$lib/state/chat.svelte';
import type { Timeline } from '$lib/state/timeline.svelte';

/** On screen this long is read. */
const READ_MS = 1_000;

/** What the list says of itself. */
export interface Sight {
	atEnd: boolean;
	/** The highest position that is in view, or above it; 0 if there is none. */
	seq: number;
}

export class Attention {
	readonly #chat: Chat;
	readonly #timeline: Timeline;
	readonly #sight: () => Sight;
	#focused = false;
	#reported = '';
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(chat: Chat, timeline: Timeline, sight: () => Sight) {
		this.#chat = chat;
		this.#timeline = timeline;
		this.#sight = sight;
	}

	/** The window or the page may have got the focus, or lost it. */
	turned() {
		this.#focused = looking();
	}

	/** Another part of the list is in view, or may be. */
	moved() {
		this.#report();
		clearTimeout(this.#timer);
		if (this.#focused) this.#timer = setTimeout(() => this.#read(), READ_MS);
	}

	/** The list is taken away. */
	leave() {
		clearTimeout(this.#timer);
		this.#chat.backend.setGaze({ roomId: null, atEnd: false, focused: looking() }).catch(() => {});
	}

	#report() {
		const gaze = { roomId: this.#timeline.roomId, atEnd: this.#sight().atEnd, focused: this.#focused };
		const key = JSON.stringify(gaze);
		if (key === this.#reported) return;
		this.#reported = key;
		this.#chat.backend.setGaze(gaze).catch(() => {});
	}

	#read() {
		if (!looking()) return;
		const { roomId, rows, hasEarlier } = this.#timeline;
		const known = this.#chat.rooms.get(roomId)?.readSeq ?? 0;
		const first = rows.find((row) => row.seq !== undefined)?.seq ?? 0;
		// Who jumped over what is unread has not read it.
		if (hasEarlier && first > known + 1) return;
		const { seq } = this.#sight();
		const othersBeyond = rows.some((row) => !row.own && (row.seq ?? 0) > known && (row.seq ?? 0) <= seq);
		if (othersBeyond) this.#chat.backend.markRead(roomId, seq).catch(() => {});
	}
}

function looking(): boolean {
	return document.visibilityState === 'visible' && document.hasFocus();
}
