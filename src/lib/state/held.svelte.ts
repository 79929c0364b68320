/**
 * Messages to a room with a patient, held back for a moment in which they can be taken back.
 *
 * Invariants: what is held goes out by itself, once, in the order it was written, whatever the person turns to; taken back, it
 * stands in its room's composer again, once. Nothing is lost meanwhile: over a reload `handover.ts` keeps the message, and beyond
 * the end of the app its text is part of the room's draft, which a composer then begins without.
 */
import type { Backend } from '$lib/backend/backend';
import type { Draft } from '$lib/backend/bindings/Draft';
import type { OutgoingMessage } from '$lib/backend/bindings/OutgoingMessage';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import { draftOf, joined, NOTHING } from './draft';
import type { Handover } from './handover';
import type { WaitingFiles } from './waiting-files.svelte';

/** Long enough to see in which room one is. */
export const HOLD_MS = 5_000;
const STEP_MS = 250;

export interface HeldMessage {
	message: OutgoingMessage;
	/** When it goes out, in milliseconds of {@link Date.now}. */
	until: number;
}

export class Held {
	readonly #backend: Backend;
	readonly #handover: Handover;
	readonly #files: WaitingFiles;

	messages = $state.raw<HeldMessage[]>([]);
	/** Now, while something is held: what a countdown counts from. */
	now = $state(Date.now());

	/** The composer that is open: what is taken back in its room goes there. */
	#writing: { roomId: RoomId; restore: (message: OutgoingMessage) => void } | null = null;
	/** What else is being written in rooms for which something is held, or was. */
	readonly #drafts = new Map<RoomId, Draft>();
	#timer: ReturnType<typeof setInterval> | undefined;

	constructor(backend: Backend, handover: Handover, files: WaitingFiles) {
		this.#backend = backend;
		this.#handover = handover;
		this.#files = files;
	}

	/** Holds a message back; `draft` is what else is written in its room. Whoever calls keeps both as the room's draft. */
	hold(message: OutgoingMessage, draft: Draft) {
		this.#handover.keep(message);
		this.now = Date.now();
		this.messages = [...this.messages, { message, until: this.now + HOLD_MS }];
		this.#timer ??= setInterval(() => this.#step(), STEP_MS);
		this.#remember(message.roomId, draft);
	}

	/** What is written in a room beside what is held; unknown where nothing was. */
	draftBeside(roomId: RoomId): Draft | undefined {
		return this.#drafts.get(roomId);
	}

	/** What to keep as a room's draft while `draft` is in its composer: what is held stands before it. */
	draftWith(roomId: RoomId, draft: Draft): Draft {
		if (this.#drafts.has(roomId)) this.#remember(roomId, draft);
		return joined([...this.#of(roomId).map((held) => draftOf(held.message)), draft]);
	}

	/** Keeps the draft of a room that has no composer. */
	async save(roomId: RoomId): Promise<void> {
		const draft = this.#drafts.get(roomId);
		if (!draft) return;
		await this.#backend.saveDraft(roomId, this.draftWith(roomId, draft)).catch(() => {});
		if (this.#of(roomId).length === 0) this.#handover.dropDraft(roomId);
	}

	/** Until the answer is called, a room's composer is open. For an effect. */
	attend(roomId: RoomId, restore: (message: OutgoingMessage) => void): () => void {
		const writing = { roomId, restore };
		this.#writing = writing;
		return () => {
			if (this.#writing === writing) this.#writing = null;
		};
	}

	/** Seconds left, at least one. */
	secondsOf(held: HeldMessage): number {
		return Math.max(1, Math.ceil((held.until - this.now) / 1_000));
	}

	/** Takes a message back. Where its room is not open it waits there as a draft. */
	undo(held: HeldMessage) {
		if (!this.messages.includes(held)) return;
		const { message } = held;
		const { roomId } = message;
		this.#forget([held]);
		this.#handover.drop(message);
		this.#files.giveBack(roomId, message.attachments ?? []);
		if (this.#writing?.roomId === roomId) {
			this.#writing.restore(message);
			if (this.#of(roomId).length === 0) this.#handover.dropDraft(roomId);
			return;
		}
		this.#remember(roomId, joined([draftOf(message), this.#drafts.get(roomId) ?? NOTHING]));
		void this.save(roomId);
	}

	/** The session ended: its messages are not for another. */
	clear() {
		this.#forget(this.messages);
		this.#drafts.clear();
	}

	#of(roomId: RoomId): HeldMessage[] {
		return this.messages.filter((held) => held.message.roomId === roomId);
	}

	#remember(roomId: RoomId, draft: Draft) {
		this.#drafts.set(roomId, draft);
		if (this.#of(roomId).length > 0) this.#handover.keepDraft(roomId, draft);
	}

	#step() {
		this.now = Date.now();
		void this.#release(this.messages.filter((held) => held.until <= this.now));
	}

	async #release(due: HeldMessage[]): Promise<void> {
		if (due.length === 0) return;
		this.#forget(due);
		for (const { message } of due) {
			this.#handover.send(message).then(
				() => this.#files.gone(message.attachments ?? []),
				(failure: unknown) => {
					this.#files.giveBack(message.roomId, message.attachments ?? []);
					this.#handover.giveBack(message, failure);
				}
			);
		}
		await this.#handover.settled();
		// What went out is no draft any more, and what else is written still is.
		for (const roomId of new Set(due.map((held) => held.message.roomId))) await this.save(roomId);
	}

	#forget(gone: HeldMessage[]) {
		this.messages = this.messages.filter((held) => !gone.includes(held));
		if (this.messages.length > 0) return;
		clearInterval(this.#timer);
		this.#timer = undefined;
	}
}
