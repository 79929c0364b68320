/**
 * What has left the composer and is not yet durable in core, and what is being worded anew, kept across a reload of the page.
 *
 * A call that is on its way when the page is loaded again may or may not arrive, and the page that made it never hears which.
 * So the message is kept until its call is answered, and a page that finds one kept sends it again under the same id, which
 * core takes for the same message. Invariants: what is kept is in the memory of the window only (`window.name` outlives a
 * reload and is in no file); it belongs to one session and is never sent in another; messages go one after the other.
 */
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { Draft } from '$lib/backend/bindings/Draft';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import type { OutgoingMessage } from '$lib/backend/bindings/OutgoingMessage';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import type { SessionView } from '$lib/backend/bindings/SessionView';

/** So that another use of the window's name is not taken for ours. */
const MARK = 'hugmedo-chat-handover:';

interface Kept {
	/** Whose session it is. */
	owner: string;
	/** Oldest first. */
	messages: OutgoingMessage[];
	/** What stood in composers. */
	drafts: [RoomId, Draft][];
	/** What was being worded anew. */
	edits: [RoomId, Edit][];
}

/** An own message that is worded anew. */
export interface Edit {
	row: MessageView;
	text: string;
	/** Whether it was left for another room, and goes on where it is opened; or else when the message is edited again. */
	open: boolean;
}

export class Handover {
	readonly #backend: Backend;
	readonly #page: { name: string };

	/** What the page before this one left behind, until it has been dealt with. */
	#left: Kept | null;
	#owner = '';
	#waiting: OutgoingMessage[] = [];
	readonly #drafts = new Map<RoomId, Draft>();
	/** Of each room the last that was begun and not sent. */
	readonly #edits = new Map<RoomId, Edit>();
	/** What could not be handed over after a reload, until its room is opened. */
	readonly #returned = new Map<RoomId, { messages: OutgoingMessage[]; problem: ErrorCode }>();
	#turn: Promise<unknown> = Promise.resolve();

	constructor(backend: Backend, page: { name: string } = window) {
		this.#backend = backend;
		this.#page = page;
		this.#left = read(page.name);
	}

	/**
	 * Hands a message over, after `before` and after all that were given earlier. Resolves once core has it; rejects as its
	 * command did. From this call on a reload cannot lose it.
	 */
	send(message: OutgoingMessage, before: Promise<unknown> = Promise.resolve()): Promise<void> {
		this.keep(message);
		// Commands run side by side, and messages must not overtake each other.
		const done = Promise.all([this.#turn, before])
			.then(() => this.#backend.sendMessage(message))
			.finally(() => this.#drop([message]));
		this.#turn = done.catch(() => {});
		return done.then(() => {});
	}

	/** A message that is to be sent in a moment. From this call on a reload cannot lose it. */
	keep(message: OutgoingMessage) {
		if (!this.#waiting.includes(message)) this.#waiting.push(message);
		this.#keep();
	}

	/** Forgets a message that was kept and is not to be sent after all. */
	drop(message: OutgoingMessage) {
		this.#drop([message]);
	}

	/** Lets its room's composer offer a message again, with why it could not be sent. */
	giveBack(message: OutgoingMessage, failure: unknown) {
		const problem = failure instanceof BackendError ? failure.code : 'internal';
		const earlier = this.#returned.get(message.roomId)?.messages ?? [];
		this.#returned.set(message.roomId, { messages: [...earlier, message], problem });
		this.keep(message);
	}

	/** Resolves once all that was given so far has been answered. */
	async settled(): Promise<void> {
		await this.#turn;
	}

	/** What is written in a room, which a page that goes away may not be able to save, or will have to save again. */
	keepDraft(roomId: RoomId, draft: Draft) {
		this.#drafts.set(roomId, draft);
		this.#keep();
	}

	/** What is being worded anew in a room, if anything is. */
	keepEdit(roomId: RoomId, edit: Edit | null) {
		if (edit) this.#edits.set(roomId, edit);
		else this.#edits.delete(roomId);
		this.#keep();
	}

	editIn(roomId: RoomId): Edit | undefined {
		return this.#edits.get(roomId);
	}

	/** Core has it. */
	dropDraft(roomId: RoomId) {
		this.#drafts.delete(roomId);
		this.#keep();
	}

	/** Says whose messages these are from now on. Another's are forgotten. */
	belongTo(session: SessionView | null) {
		const owner = session ? JSON.stringify([session.server, session.user.id]) : '';
		if (owner === this.#owner) return;
		this.#owner = owner;
		this.#waiting = [];
		this.#drafts.clear();
		this.#edits.clear();
		this.#returned.clear();
		if (this.#left?.owner !== owner) this.#left = null;
		if (!this.#left) this.#page.name = '';
	}

	/** Hands over what a reload interrupted. Nothing that is shown of a room before that can be trusted. */
	async resume(): Promise<void> {
		const left = this.#left;
		this.#left = null;
		if (!left) return;
		this.#waiting = left.messages;
		for (const [roomId, draft] of left.drafts) this.#drafts.set(roomId, draft);
		for (const [roomId, edit] of left.edits) this.#edits.set(roomId, edit);
		for (const message of left.messages) {
			try {
				await this.#backend.sendMessage(message);
				this.#drop([message]);
			} catch (failure) {
				this.giveBack(message, failure);
			}
		}
		// Last: core forgets a room's draft with each message it takes.
		for (const [roomId, draft] of left.drafts) await this.#backend.saveDraft(roomId, draft).catch(() => {});
		this.#drafts.clear();
		this.#keep();
	}

	/** What could not be handed over in this room, for the composer to offer again. */
	takeBack(roomId: RoomId): { messages: OutgoingMessage[]; problem: ErrorCode } | undefined {
		const returned = this.#returned.get(roomId);
		this.#returned.delete(roomId);
		if (returned) this.#drop(returned.messages);
		return returned;
	}

	#drop(messages: OutgoingMessage[]) {
		this.#waiting = this.#waiting.filter((waiting) => !messages.includes(waiting));
		this.#keep();
	}

	#keep() {
		const [messages, drafts, edits] = [this.#waiting, [...this.#drafts], [...this.#edits]];
		const kept: Kept = { owner: this.#owner, messages, drafts, edits };
		this.#page.name = messages.length + drafts.length + edits.length > 0 ? MARK + JSON.stringify(kept) : '';
	}
}

function read(name: string): Kept | null {
	if (!name.startsWith(MARK)) return null;
	try {
		return JSON.parse(name.slice(MARK.length)) as Kept;
	} catch {
		return null;
	}
}
