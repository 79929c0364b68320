/**
 * What someone is writing in one room.
 *
 * Invariants: the text is theirs until it is durable in core: a failure, an edit or a second press never takes it away; one
 * press of send is one message, because its id is made once; the draft is saved within a moment of the last keystroke and
 * whenever the person turns elsewhere.
 */
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { RoomId } from '$lib/backend/bindings/RoomId';
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

	text = $state('');
	problem = $state<ErrorCode | null>(null);

	#draftTimer: ReturnType<typeof setTimeout> | undefined;
	#idleTimer: ReturnType<typeof setTimeout> | undefined;
	#typingSince: number | null = null;
	/** What was sent and is not yet durable in core, oldest first. */
	#handingOver: string[] = [];
	#handover: Promise<void> = Promise.resolve();
	#failed: { clientMessageId: string; content: string } | null = null;

	constructor(backend: Backend, roomId: RoomId, draft: string) {
		this.#backend = backend;
		this.roomId = roomId;
		this.text = draft;
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
		this.#handingOver.push(message.content);
		// One after the other: commands run side by side, and messages must not overtake each other.
		this.#handover = this.#handover.then(async () => {
			try {
				await this.#backend.sendMessage(message);
				this.#handingOver.shift();
			} catch (failure) {
				this.#handingOver.shift();
				this.problem = failure instanceof BackendError ? failure.code : 'internal';
				this.#failed = message;
				this.text = this.text === '' ? message.content : `${message.content}\n${this.text}`;
			}
			await this.saveDraft();
		});
		return this.#handover;
	}

	/** Keeps what is written, and what is not yet durable in core. A store that fails leaves it on screen. */
	async saveDraft(): Promise<void> {
		clearTimeout(this.#draftTimer);
		try {
			await this.#backend.saveDraft(this.roomId, [...this.#handingOver, this.text].join('\n'));
		} catch (failure) {
			this.problem = failure instanceof BackendError ? failure.code : 'internal';
		}
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
