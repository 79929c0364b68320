/**
 * What someone is writing in one room: something new, an answer, or another wording of what they said.
 *
 * Invariants: the text is theirs until it is durable in core: a failure, an edit or a second press never takes it away; one
 * press of send is one message, because its id is made once, also when the page is loaded again meanwhile; the draft is saved
 * within a moment of the last keystroke and whenever the person turns elsewhere, and never holds what was sent; urgent is
 * chosen anew for each message.
 */
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import type { OutgoingMessage } from '$lib/backend/bindings/OutgoingMessage';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import type { User } from '$lib/backend/bindings/User';
import type { UserId } from '$lib/backend/bindings/UserId';
import { Handover } from './handover';
import type { Held } from './held.svelte';
import { uuidv7 } from './uuid';

/** The longest message, in Unicode scalar values; `limits::MAX_CONTENT_CHARS` of the wire contract. */
export const MAX_CHARS = 10_000;
/** The counter shows from here on. */
const WARN_BELOW = 500;
const DRAFT_DELAY_MS = 200;
/** Others forget a typing notice after 7 s, so it is repeated well before. */
const TYPING_REPEAT_MS = 3_000;
const TYPING_IDLE_MS = 5_000;

export class Composer {
	readonly roomId: RoomId;
	readonly #backend: Backend;
	readonly #handover: Handover;
	/** Holds messages back for a moment, where the room calls for it. */
	readonly #held: Held | null;

	text = $state('');
	problem = $state<ErrorCode | null>(null);
	/** The message that is answered. */
	replyTo = $state.raw<MessageView | null>(null);
	/** The own message that is worded anew; `text` is then its text, and the draft waits. */
	editing = $state.raw<MessageView | null>(null);
	urgent = $state(false);
	/** Rises when the field should take the focus. */
	called = $state(0);

	/** The people who were chosen after an `@`, by the text that names them. */
	readonly #named = new Map<string, UserId>();
	/** What stood here before an edit. */
	#draft = '';
	#draftTimer: ReturnType<typeof setTimeout> | undefined;
	#idleTimer: ReturnType<typeof setTimeout> | undefined;
	#typingSince: number | null = null;
	/** Commands run side by side; a draft that overtook a message would bring back what was sent. */
	#turn: Promise<void> = Promise.resolve();
	#failed: OutgoingMessage | null = null;

	constructor(
		backend: Backend,
		roomId: RoomId,
		draft: string,
		handover = new Handover(backend),
		held: Held | null = null
	) {
		this.#backend = backend;
		this.#handover = handover;
		this.#held = held;
		this.roomId = roomId;
		this.text = draft;
		this.takeBack();
	}

	/** Counting a megabyte costs time, so what cannot fit is not counted. */
	length = $derived.by(() => (this.text.length > MAX_CHARS * 4 ? this.text.length : scalars(this.text)));
	over = $derived(Math.max(0, this.length - MAX_CHARS));
	remaining = $derived(MAX_CHARS - this.length);
	showRemaining = $derived(this.over === 0 && this.remaining <= WARN_BELOW);
	canSend = $derived(
		this.over === 0 && this.text.trim() !== '' && (this.editing === null || this.text !== this.editing.content)
	);

	input(text: string) {
		this.text = text;
		this.problem = null;
		if (this.editing) return;
		clearTimeout(this.#draftTimer);
		this.#draftTimer = setTimeout(() => void this.saveDraft(), DRAFT_DELAY_MS);
		if (text.trim() === '') this.stopTyping();
		else this.#typing();
	}

	/** Puts a text in place of the characters from `start` to `end` and answers where it ends. */
	insert(text: string, start: number, end: number): number {
		this.input(this.text.slice(0, start) + text + this.text.slice(end));
		return start + text.length;
	}

	/** As {@link insert}: names a member, who is then told. */
	mention(member: User, start: number, end: number): number {
		const name = `@${member.name}`;
		this.#named.set(name, member.id);
		return this.insert(`${name} `, start, end);
	}

	reply(row: MessageView) {
		this.cancelEdit();
		this.replyTo = row;
		this.called++;
	}

	edit(row: MessageView) {
		if (!this.editing) this.#draft = this.text;
		this.replyTo = null;
		this.editing = row;
		this.text = row.content;
		this.problem = null;
		this.stopTyping();
		this.called++;
	}

	cancelEdit() {
		if (!this.editing) return;
		this.editing = null;
		this.text = this.#draft;
		this.problem = null;
	}

	/** Leaves the edit or the answer. False if there was neither. */
	back(): boolean {
		if (!this.editing && !this.replyTo) return false;
		this.cancelEdit();
		this.replyTo = null;
		return true;
	}

	/** What could not be handed over is written again. */
	takeBack() {
		const returned = this.#handover.takeBack(this.roomId);
		for (const message of returned?.messages.toReversed() ?? []) this.restore(message);
		this.problem = returned?.problem ?? this.problem;
	}

	/** Puts a message back that did not go out, before what is written. */
	restore(message: OutgoingMessage) {
		this.cancelEdit();
		this.text = this.text === '' ? message.content : `${message.content}\n${this.text}`;
		this.urgent ||= message.priority === 'urgent';
		this.#failed = message;
		this.called++;
		void this.saveDraft();
	}

	/** Sends what is written. The field is free at once, so that a fast writer's next message is not held up or lost. */
	send(): Promise<void> {
		if (!this.canSend) return Promise.resolve();
		if (this.editing) return this.#sendEdit(this.editing);
		const message = this.#message();
		this.text = '';
		this.problem = null;
		this.replyTo = null;
		this.urgent = false;
		this.#named.clear();
		this.stopTyping();
		clearTimeout(this.#draftTimer);
		if (this.#held) {
			this.#held.hold(message);
			return this.saveDraft();
		}
		const before = this.#turn;
		// At once, so that from here on a reload cannot lose it.
		const sent = this.#handover.send(message, before);
		this.#turn = sent.catch((failure: unknown) => {
			this.problem = failure instanceof BackendError ? failure.code : 'internal';
			this.#failed = message;
			this.text = this.text === '' ? message.content : `${message.content}\n${this.text}`;
			this.urgent ||= message.priority === 'urgent';
		});
		return this.saveDraft();
	}

	/** Saves what is written, after what was sent before. A store that fails leaves it on screen. */
	saveDraft(): Promise<void> {
		clearTimeout(this.#draftTimer);
		this.#turn = this.#turn.then(async () => {
			try {
				await this.#backend.saveDraft(this.roomId, this.#unsent());
			} catch (failure) {
				this.problem = failure instanceof BackendError ? failure.code : 'internal';
			}
		});
		return this.#turn;
	}

	/** The page goes away. No command can be relied on to leave it any more. */
	pageHides() {
		this.#handover.keepDraft(this.roomId, this.editing ? this.#draft : this.text);
		void this.saveDraft();
	}

	/** The person turned elsewhere. */
	async leave(): Promise<void> {
		this.stopTyping();
		await this.saveDraft();
	}

	stopTyping() {
		clearTimeout(this.#idleTimer);
		if (this.#typingSince === null) return;
		this.#typingSince = null;
		this.#tell(false);
	}

	#message(): OutgoingMessage {
		const content = this.text;
		const mentions = [...this.#named].filter(([name]) => content.includes(name)).map(([, userId]) => userId);
		// Sent again unchanged after a failure it is the same message, in case the first did arrive.
		const again = this.#failed?.content === content;
		if (again && this.#failed) return this.#failed;
		return {
			roomId: this.roomId,
			clientMessageId: uuidv7(),
			content,
			...(this.urgent && { priority: 'urgent' }),
			...(this.replyTo?.id && { replyTo: this.replyTo.id }),
			...(mentions.length > 0 && { mentions: [...new Set(mentions)] })
		};
	}

	async #sendEdit(row: MessageView): Promise<void> {
		if (!row.id) return;
		const content = this.text;
		try {
			await this.#backend.editMessage(this.roomId, row.id, content);
			if (this.editing === row && this.text === content) this.cancelEdit();
		} catch (failure) {
			this.problem = failure instanceof BackendError ? failure.code : 'internal';
		}
	}

	/** All that would be lost with this page. */
	#unsent(): string {
		const text = this.editing ? this.#draft : this.text;
		return this.#held ? this.#held.draftOf(this.roomId, text) : text;
	}

	#typing() {
		const now = Date.now();
		if (this.#typingSince === null || now - this.#typingSince >= TYPING_REPEAT_MS) {
			this.#typingSince = now;
			this.#tell(true);
		}
		clearTimeout(this.#idleTimer);
		this.#idleTimer = setTimeout(() => this.stopTyping(), TYPING_IDLE_MS);
	}

	#tell(isTyping: boolean) {
		// Nobody misses a typing notice that was not heard.
		this.#backend.setTyping(this.roomId, isTyping).catch(() => {});
	}
}

function scalars(text: string): number {
	let count = 0;
	for (let index = 0; index < text.length; index++) {
		const unit = text.charCodeAt(index);
		const isLowSurrogate = unit >= 0xdc00 && unit <= 0xdfff;
		if (!isLowSurrogate) count++;
	}
	return count;
}
