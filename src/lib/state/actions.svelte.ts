/**
 * What can be done with a message, and what is being asked about one.
 *
 * Invariants: only what the server lets this person do is offered; one question is open at a time; what fails is said and
 * changes nothing.
 */
import type { Backend } from '$lib/backend/backend';
import { BackendError } from '$lib/backend/backend';
import type { AttachmentView } from '$lib/backend/bindings/AttachmentView';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import type { SessionView } from '$lib/backend/bindings/SessionView';
import type { Composer } from './composer.svelte';

export type Action = 'reply' | 'react' | 'acknowledge' | 'copy' | 'forward' | 'unread' | 'edit' | 'details' | 'delete';
/** In the order they are offered. */
export const ACTIONS: Action[] = [
	'acknowledge',
	'reply',
	'react',
	'copy',
	'forward',
	'unread',
	'edit',
	'details',
	'delete'
];

/** What needs an answer before it happens, or shows something. */
export type Question = Extract<Action, 'react' | 'forward' | 'details' | 'delete'> | 'menu' | 'discard';

/** Where something opens: an element, or the place of a pointer. */
export type Anchor = Pick<Element, 'getBoundingClientRect'>;

/** So long it is said that a file was saved. */
const SAVED_MS = 6_000;
/** And so long that a text was copied. */
const COPIED_MS = 2_500;

export class MessageActions {
	readonly #backend: Backend;
	readonly #forward: (row: MessageView, roomId: RoomId) => Promise<void>;
	readonly #session: () => SessionView | null;
	readonly #composer: () => Composer | null;
	readonly #leave: () => Promise<void>;

	/** What is asked, about which message, beside which element. */
	asked = $state.raw<{ question: Question; row: MessageView; anchor: Anchor } | null>(null);
	problem = $state<ErrorCode | null>(null);
	/** Whether the link that was followed last could not be opened. */
	linkFailed = $state(false);
	/** Rises when a text was copied. */
	copied = $state(0);
	/** Whether that is shown, for a moment. */
	showsCopied = $state(false);
	/** The picture that is shown large. */
	viewed = $state<string | null>(null);
	/** How many messages are being forwarded. */
	forwarding = $state(0);
	/** The name of the file that was last saved, for a moment. */
	saved = $state('');

	constructor(
		backend: Backend,
		forward: (row: MessageView, roomId: RoomId) => Promise<void>,
		session: () => SessionView | null,
		composer: () => Composer | null,
		leave: () => Promise<void>
	) {
		this.#backend = backend;
		this.#forward = forward;
		this.#session = session;
		this.#composer = composer;
		this.#leave = leave;
	}

	can(action: Action, row: MessageView): boolean {
		if (row.deleted) return action === 'details' && this.#extended(row);
		switch (action) {
			case 'copy':
				return row.content !== '';
			case 'forward':
				return row.content !== '' || row.attachments.length > 0;
			case 'unread':
				return !row.own && row.seq !== undefined;
			case 'reply':
			case 'react':
			case 'details':
				return this.#extended(row);
			case 'edit':
			case 'delete':
				return row.own && this.#extended(row);
			case 'acknowledge':
				return !row.own && row.priority === 'urgent' && this.#extended(row) && !this.acknowledged(row);
		}
	}

	/** All that can be done with a message, in the order it is offered. */
	of(row: MessageView): Action[] {
		return ACTIONS.filter((action) => this.can(action, row));
	}

	acknowledged(row: MessageView): boolean {
		const me = this.#session()?.user.id;
		return me !== undefined && row.acknowledgedBy.includes(me);
	}

	/** Does it, or asks what has to be known first. */
	async do(action: Action, row: MessageView, anchor: Anchor): Promise<void> {
		if (!this.can(action, row)) return;
		this.asked = null;
		switch (action) {
			case 'reply':
				this.#composer()?.reply(row);
				break;
			case 'edit':
				this.#composer()?.edit(row);
				break;
			case 'copy':
				await this.#attempt(async () => {
					await navigator.clipboard.writeText(row.content);
					const copy = ++this.copied;
					this.showsCopied = true;
					setTimeout(() => copy === this.copied && (this.showsCopied = false), COPIED_MS);
				});
				break;
			case 'unread':
				// Left first: what is before someone's eyes is read.
				await this.#leave();
				if (row.seq !== undefined) await this.#backend.markUnread(row.roomId, row.seq);
				break;
			case 'acknowledge':
				await this.#change(row, (id) => this.#backend.acknowledgeMessage(row.roomId, id));
				break;
			default:
				this.ask(action, row, anchor);
		}
	}

	/** Has the system open a link. */
	async follow(url: string): Promise<void> {
		this.forget();
		await this.#backend.openLink(url).catch(() => (this.linkFailed = true));
	}

	view(file: AttachmentView) {
		this.forget();
		this.viewed = file.id;
	}

	/** Saves a copy of a file where the person wants it. */
	async save(roomId: RoomId, file: AttachmentView): Promise<void> {
		this.saved = '';
		await this.#attempt(async () => {
			if (!(await this.#backend.saveAttachment(roomId, file.id))) return;
			this.saved = file.name;
			setTimeout(() => (this.saved = ''), SAVED_MS);
		});
	}

	/** Closes a question, unless another has taken its place. */
	answered(question: Question) {
		if (this.asked?.question === question) this.asked = null;
	}

	ask(question: Question, row: MessageView, anchor: Anchor) {
		this.forget();
		this.asked = { question, row, anchor };
	}

	/** Puts the emoji under the message, or takes it away if it is there from this person. */
	async react(row: MessageView, emoji: string): Promise<void> {
		const on = !row.reactions.some((reaction) => reaction.emoji === emoji && reaction.own);
		this.asked = null;
		await this.#change(row, (id) => this.#backend.reactToMessage(row.roomId, id, emoji, on));
	}

	async delete(row: MessageView): Promise<void> {
		this.asked = null;
		await this.#change(row, (id) => this.#backend.deleteMessage(row.roomId, id));
	}

	/** Puts an own message that failed back into the queue. */
	async retry({ clientMessageId: id }: MessageView): Promise<void> {
		if (id) await this.#attempt(() => this.#backend.retryMessage(id));
	}

	/** Gives it up: nobody has it but this computer. */
	async discard({ clientMessageId: id }: MessageView): Promise<void> {
		this.asked = null;
		if (id) await this.#attempt(() => this.#backend.discardMessage(id));
	}

	/** Says the same in another room. Its files have to be brought here first, which may take a while. */
	async forward(row: MessageView, roomId: RoomId): Promise<void> {
		this.asked = null;
		this.forwarding++;
		await this.#attempt(() => this.#forward(row, roomId));
		this.forwarding--;
	}

	/** A baseline server knows messages only, and only what it has can be changed. */
	#extended(row: MessageView): boolean {
		return row.id !== undefined && this.#session()?.baseline === false;
	}

	async #change(row: MessageView, command: (id: string) => Promise<void>): Promise<void> {
		const id = row.id;
		if (id) await this.#attempt(() => command(id));
	}

	/** What went wrong before has been said. */
	forget() {
		this.problem = null;
		this.linkFailed = false;
	}

	async #attempt(step: () => Promise<void>): Promise<void> {
		this.forget();
		try {
			await step();
		} catch (failure) {
			this.problem = failure instanceof BackendError ? failure.code : 'internal';
		}
	}
}
