/**
 * Messages to a room with a patient, held back for a moment in which they can be taken back.
 *
 * Invariants: what is held goes out by itself, once, in the order it was written, whatever the person turns to; taken back, it
 * stands in its room's composer again. Nothing is lost meanwhile: over a reload `handover.ts` keeps the message, and beyond the
 * end of the app its text is part of the room's draft.
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
	/** What was last taken back, for the composer of its room if that is open. */
	taken = $state.raw<OutgoingMessage | null>(null);

	/** What else is being written in rooms for which something is held. */
	readonly #drafts = new Map<RoomId, Draft>();
	#timer: ReturnType<typeof setInterval> | undefined;

	constructor(backend: Backend, handover: Handover, files: WaitingFiles) {
		this.#backend = backend;
		this.#handover = handover;
		this.#files = files;
	}

	hold(message: OutgoingMessage) {
		this.#handover.keep(message);
		this.now = Date.now();
		this.messages = [...this.messages, { message, until: this.now + HOLD_MS }];
		this.#timer ??= setInterval(() => this.#step(), STEP_MS);
	}

	/** What to keep as a room's draft while `draft` is in its composer: what is held stands before it. */
	draftWith(roomId: RoomId, draft: Draft): Draft {
		const held = this.messages.filter((held) => held.message.roomId === roomId).map((held) => draftOf(held.message));
		if (held.length > 0) this.#drafts.set(roomId, draft);
		else this.#drafts.delete(roomId);
		return joined([...held, draft]);
	}

	/** Seconds left, at least one. */
	secondsOf(held: HeldMessage): number {
		return Math.max(1, Math.ceil((held.until - this.now) / 1_000));
	}

	/** Takes a message back. Where its room is not open it waits there as a draft. */
	undo(held: HeldMessage) {
		if (!this.messages.includes(held)) return;
		this.#forget([held]);
		this.#handover.drop(held.message);
		this.#files.giveBack(held.message.roomId, held.message.attachments ?? []);
		this.taken = held.message;
	}

	/** The session ended: its messages are not for another. */
	clear() {
		this.#forget(this.messages);
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
		// Core forgets a room's draft with each message it takes.
		for (const roomId of new Set(due.map((held) => held.message.roomId))) {
			const draft = this.#drafts.get(roomId) ?? NOTHING;
			await this.#backend.saveDraft(roomId, this.draftWith(roomId, draft)).catch(() => {});
		}
	}

	#forget(gone: HeldMessage[]) {
		this.messages = this.messages.filter((held) => !gone.includes(held));
		if (this.messages.length > 0) return;
		clearInterval(this.#timer);
		this.#timer = undefined;
	}
}
