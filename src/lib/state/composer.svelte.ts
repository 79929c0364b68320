/**
 * What someone is writing in one room.
 *
 * Invariants: the text is theirs until it is durable in core: a failure, an edit or a second press never takes it away; one
 * press of send is one message, because its id is made once, also when the page is loaded again meanwhile; the draft is saved
 * within a moment of the last keystroke and whenever the person turns elsewhere, and never holds what was sent.
 */
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import { Handover } from './handover';
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

	text = $state('');
	problem = $state<ErrorCode | null>(null);

	#draftTimer: ReturnType<typeof setTimeout> | undefined;
	#idleTimer: ReturnType<typeof setTimeout> | undefined;
	#typingSince: number | null = null;
	/** Commands run side by side; a draft that overtook a message would bring back what was sent. */
	#turn: Promise<void> = Promise.resolve();
	#failed: { clientMessageId: string; content: string } | null = null;

	constructor(backend: Backend, roomId: RoomId, draft: string, handover = new Handover(backend)) {
		this.#backend = backend;
		this.#handover = handover;
		this.roomId = roomId;
		const returned = handover.takeBack(roomId);
		const contents = returned?.messages.map((message) => message.content) ?? [];
		this.text = [...contents, draft].filter((text) => text !== '').join('\n');
		this.problem = returned?.problem ?? null;
		this.#failed = returned?.messages[0] ?? null;
	}

	/** Counting a megabyte costs time, so what cannot fit is not counted. */
	length = $derived.by(() => (this.text.length > MAX_CHARS * 4 ? this.text.length : scalars(this.text)));
	over = $derived(Math.max(0, this.length - MAX_CHARS));
	remaining = $derived(MAX_CHARS - this.length);
	showRemaining = $derived(this.over === 0 && this.remaining <= WARN_BELOW);
	canSend = $derived(this.over === 0 && this.text.trim() !== '');

	input(text: string) {
		this.text = text;
		this.problem = null;
		clearTimeout(this.#draftTimer);
		this.#draftTimer = setTimeout(() => void this.saveDraft(), DRAFT_DELAY_MS);
		if (text.trim() === '') this.stopTyping();
		else this.#typing();
	}

	/** Sends what is written. The field is free at once, so that a fast writer's next message is not held up or lost. */
	send(): Promise<void> {
		if (!this.canSend) return Promise.resolve();
		const content = this.text;
		// Sent again unchanged after a failure it is the same message, in case the first did arrive.
		const clientMessageId = this.#failed?.content === content ? this.#failed.clientMessageId : uuidv7();
		const message = { roomId: this.roomId, clientMessageId, content };
		this.text = '';
		this.problem = null;
		this.stopTyping();
		clearTimeout(this.#draftTimer);
		const before = this.#turn;
		// At once, so that from here on a reload cannot lose it.
		const sent = this.#handover.send(message, before);
		this.#turn = sent.catch((failure: unknown) => {
			this.problem = failure instanceof BackendError ? failure.code : 'internal';
			this.#failed = message;
			this.text = this.text === '' ? message.content : `${message.content}\n${this.text}`;
		});
		return this.saveDraft();
	}

	/** Saves what is written, after what was sent before. A store that fails leaves it on screen. */
	saveDraft(): Promise<void> {
		clearTimeout(this.#draftTimer);
		this.#turn = this.#turn.then(async () => {
			try {
				await this.#backend.saveDraft(this.roomId, this.text);
			} catch (failure) {
				this.problem = failure instanceof BackendError ? failure.code : 'internal';
			}
		});
		return this.#turn;
	}

	/** The page goes away. No command can be relied on to leave it any more. */
	pageHides() {
		this.#handover.keepDraft(this.roomId, this.text);
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
