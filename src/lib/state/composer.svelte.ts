/**
 * What someone is writing in one room: something new, an answer, or another wording of what they said.
 *
 * Invariants: text, files, what is answered and who is named are theirs until they are durable in core: a failure, an edit or
 * a second press never takes them away; one press of send is one message, because its id is made once, also when the page is
 * loaded again meanwhile; the draft is saved within a moment of the last keystroke and whenever the person turns elsewhere,
 * and never holds what was sent; another wording that was begun is there again with its message; urgent is chosen anew for each.
 */
import { BackendError } from '$lib/backend/backend';
import type { Draft } from '$lib/backend/bindings/Draft';
import type { EditText } from '$lib/backend/bindings/EditText';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { MessageId } from '$lib/backend/bindings/MessageId';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import type { OpenedRoom } from '$lib/backend/bindings/OpenedRoom';
import type { OutgoingMessage } from '$lib/backend/bindings/OutgoingMessage';
import type { QuoteView } from '$lib/backend/bindings/QuoteView';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import type { User } from '$lib/backend/bindings/User';
import type { UserId } from '$lib/backend/bindings/UserId';
import type { Chat } from './chat.svelte';
import { joined, NOTHING } from './draft';
import { uuidv7 } from './uuid';

/** The longest message, in Unicode scalar values; `limits::MAX_CONTENT_CHARS` of the wire contract. */
export const MAX_CHARS = 10_000;
/** The counter shows from here on. */
const WARN_BELOW = 500;
/** So much of what is answered is shown above the answer. */
const PREVIEW_CHARS = 200;
const DRAFT_DELAY_MS = 200;
/** Others forget a typing notice after 7 s, so it is repeated well before. */
const TYPING_REPEAT_MS = 3_000;
const TYPING_IDLE_MS = 5_000;

/** What a composer hands its work to. */
export type Desk = Pick<Chat, 'backend' | 'handover' | 'held' | 'files'>;
/** What a composer begins with. */
export type Begun = Pick<OpenedRoom, 'room' | 'draft' | 'draftQuote' | 'edit' | 'attachments'>;

export class Composer {
	readonly roomId: RoomId;
	readonly #desk: Desk;
	/** Whether messages are held back for a moment. */
	readonly #guarded: boolean;

	text = $state('');
	problem = $state<ErrorCode | null>(null);
	/** The message that is answered. */
	replyTo = $state.raw<QuoteView | null>(null);
	/** The own message that is worded anew; `text` is then its text, and the draft waits. */
	editing = $state.raw<MessageView | null>(null);
	urgent = $state(false);
	/** Rises when the field should take the focus. */
	called = $state(0);

	/** The people who were chosen after an `@`, by the text that names them. */
	readonly #named = new Map<string, UserId>();
	/** The messages that were answered here, by their id: one that does not go out is answered again. */
	readonly #quotes = new Map<MessageId, QuoteView>();
	/** What stood here before an edit. */
	#draft: Draft = NOTHING;
	#draftTimer: ReturnType<typeof setTimeout> | undefined;
	#idleTimer: ReturnType<typeof setTimeout> | undefined;
	#typingSince: number | null = null;
	/** Commands run side by side; a draft that overtook a message would bring back what was sent. */
	#turn: Promise<void> = Promise.resolve();
	#failed: OutgoingMessage | null = null;
	/** The edit as core has it, as JSON. */
	#savedEdit: string;

	constructor(desk: Desk, { room, draft, draftQuote, edit: begunEdit, attachments }: Begun, guarded = false) {
		this.#desk = desk;
		this.#guarded = guarded;
		this.roomId = room.id;
		// What is held back is in core's draft too, and goes out by itself.
		const begun = desk.held.draftBeside(room.id) ?? draft;
		this.text = begun.content;
		if (draftQuote) this.#quotes.set(draftQuote.messageId, draftQuote);
		this.#answer(begun.replyTo);
		for (const { id, name } of room.members) if (begun.mentions.includes(id)) this.#named.set(`@${name}`, id);
		desk.files.adopt(room.id, attachments);
		const edit = desk.handover.editIn(room.id);
		if (edit?.open) this.edit(edit.row);
		else if (!edit && begunEdit && begunEdit.content !== begunEdit.message.content) {
			desk.handover.keepEdit(room.id, { row: begunEdit.message, text: begunEdit.content, open: true });
			this.edit(begunEdit.message);
		}
		this.#savedEdit = JSON.stringify(this.#editText());
		this.takeBack();
	}

	/** The files that go with the next message. */
	files = $derived.by(() => this.#desk.files.of(this.roomId));
	/** Those of them that are shown: what was sent keeps the files it has. */
	shownFiles = $derived(this.editing ? [] : this.files);
	filesReady = $derived.by(() => this.#desk.files.ready(this.roomId));
	/** Counting a megabyte costs time, so what cannot fit is not counted. */
	length = $derived.by(() => (this.text.length > MAX_CHARS * 4 ? this.text.length : scalars(this.text)));
	over = $derived(Math.max(0, this.length - MAX_CHARS));
	remaining = $derived(MAX_CHARS - this.length);
	showRemaining = $derived(this.over === 0 && this.remaining <= WARN_BELOW);
	canSend = $derived.by(() => {
		if (this.over > 0) return false;
		const blank = this.text.trim() === '';
		if (this.editing) return !blank && this.text !== this.editing.content;
		return this.filesReady && (!blank || this.files.length > 0);
	});

	input(text: string) {
		this.text = text;
		this.problem = null;
		clearTimeout(this.#draftTimer);
		this.#draftTimer = setTimeout(() => void this.saveDraft(), DRAFT_DELAY_MS);
		if (this.editing) return;
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
		if (!row.id) return;
		this.cancelEdit();
		const preview = row.content || row.attachments.map((file) => file.name).join(' ');
		this.replyTo = {
			messageId: row.id,
			seq: row.seq,
			authorName: row.author.name,
			preview: preview.slice(0, PREVIEW_CHARS).replace(/\s+/g, ' '),
			deleted: row.deleted
		};
		this.#quotes.set(row.id, this.replyTo);
		this.called++;
		void this.saveDraft();
	}

	edit(row: MessageView) {
		if (!this.editing) this.#draft = this.#written();
		else this.#keepEdit(false);
		this.replyTo = null;
		const begun = this.#desk.handover.editIn(this.roomId);
		this.editing = row;
		this.text = begun?.row.key === row.key ? begun.text : row.content;
		this.problem = null;
		this.stopTyping();
		this.called++;
	}

	cancelEdit() {
		if (!this.editing) return;
		this.#keepEdit(false);
		this.editing = null;
		this.text = this.#draft.content;
		this.#answer(this.#draft.replyTo);
		this.problem = null;
		void this.saveDraft();
	}

	/** Leaves the edit or the answer. False if there was neither. */
	back(): boolean {
		if (this.editing) {
			this.cancelEdit();
			return true;
		}
		if (!this.replyTo) return false;
		this.replyTo = null;
		void this.saveDraft();
		return true;
	}

	/** What could not be handed over is written again. */
	takeBack() {
		const returned = this.#desk.handover.takeBack(this.roomId);
		for (const message of returned?.messages.toReversed() ?? []) this.restore(message);
		this.problem = returned?.problem ?? this.problem;
	}

	/** Puts a message back that did not go out, before what is written. */
	restore(message: OutgoingMessage) {
		this.cancelEdit();
		this.#putBack(message);
		this.called++;
		void this.saveDraft();
	}

	#putBack(message: OutgoingMessage) {
		this.text = joined([
			{ ...NOTHING, content: message.content },
			{ ...NOTHING, content: this.text }
		]).content;
		if (!this.replyTo) this.#answer(message.replyTo);
		this.urgent ||= message.priority === 'urgent';
		this.#desk.files.giveBack(this.roomId, message.attachments ?? []);
		this.#failed = message;
	}

	#answer(messageId: MessageId | null | undefined) {
		const unseen = { authorName: '', preview: '', deleted: false };
		this.replyTo = messageId ? (this.#quotes.get(messageId) ?? { messageId, ...unseen }) : null;
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
		this.stopTyping();
		clearTimeout(this.#draftTimer);
		if (this.#guarded) {
			this.#desk.held.hold(message, this.#written());
			return this.saveDraft();
		}
		const before = this.#turn;
		// At once, so that from here on a reload cannot lose it.
		const sent = this.#desk.handover.send(message, before);
		this.#turn = sent.then(
			() => this.#desk.files.gone(message.attachments ?? []),
			(failure: unknown) => {
				this.problem = failure instanceof BackendError ? failure.code : 'internal';
				this.#putBack(message);
			}
		);
		return this.saveDraft();
	}

	/** Saves what is written, after what was sent before. A store that fails leaves it on screen. */
	saveDraft(): Promise<void> {
		clearTimeout(this.#draftTimer);
		this.#turn = this.#turn.then(async () => {
			try {
				await this.#desk.backend.saveDraft(this.roomId, this.#unsent());
				const [edit, saved] = [this.#editText(), this.#savedEdit];
				this.#savedEdit = JSON.stringify(edit);
				if (this.#savedEdit === saved) return;
				await this.#desk.backend.saveEdit(this.roomId, edit);
			} catch (failure) {
				this.problem = failure instanceof BackendError ? failure.code : 'internal';
			}
		});
		return this.#turn;
	}

	/** The page goes away. No command can be relied on to leave it any more. */
	pageHides() {
		this.#keepEdit(true);
		this.#desk.handover.keepDraft(this.roomId, this.editing ? this.#draft : this.#written());
		void this.saveDraft();
	}

	/** The person turned elsewhere. */
	async leave(): Promise<void> {
		this.stopTyping();
		this.#keepEdit(true);
		await this.saveDraft();
	}

	stopTyping() {
		clearTimeout(this.#idleTimer);
		if (this.#typingSince === null) return;
		this.#typingSince = null;
		this.#tell(false);
	}

	/** The message, whose files leave the composer with it. */
	#message(): OutgoingMessage {
		const { content, replyTo, mentions } = this.#written();
		const attachments = this.#desk.files.take(this.roomId);
		const message: OutgoingMessage = {
			roomId: this.roomId,
			clientMessageId: uuidv7(),
			content,
			...(this.urgent && { priority: 'urgent' }),
			...(replyTo && { replyTo }),
			...(mentions.length > 0 && { mentions }),
			...(attachments.length > 0 && { attachments })
		};
		// Sent again unchanged after a failure it is the same message, in case the first did arrive.
		const again = this.#failed;
		return again && same(again, message) ? again : message;
	}

	async #sendEdit(row: MessageView): Promise<void> {
		if (!row.id) return;
		const content = this.text;
		try {
			await this.#desk.backend.editMessage(this.roomId, row.id, content);
			if (this.editing !== row || this.text !== content) return;
			this.cancelEdit();
			this.#desk.handover.keepEdit(this.roomId, null);
			await this.#turn;
		} catch (failure) {
			this.problem = failure instanceof BackendError ? failure.code : 'internal';
		}
	}

	/** What is worded anew and is to go on later. `open`: whether it goes on where the room is opened again. */
	#keepEdit(open: boolean) {
		if (!this.editing) return;
		const { editing: row, text } = this;
		this.#desk.handover.keepEdit(this.roomId, text === row.content ? null : { row, text, open });
	}

	/** What core keeps of it, for when this page is gone. */
	#editText(): EditText | null {
		if (!this.editing?.id || this.text === this.editing.content) return null;
		return { messageId: this.editing.id, content: this.text };
	}

	/** What is written now. */
	#written(): Draft {
		const content = this.text;
		const named = [...this.#named].filter(([name]) => content.includes(name)).map(([, userId]) => userId);
		return { content, replyTo: this.replyTo?.messageId ?? null, mentions: [...new Set(named)] };
	}

	/** All that would be lost with this page. */
	#unsent(): Draft {
		const draft = this.editing ? this.#draft : this.#written();
		return this.#guarded ? this.#desk.held.draftWith(this.roomId, draft) : draft;
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
		this.#desk.backend.setTyping(this.roomId, isTyping).catch(() => {});
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

/** Whether both say the same, whatever their ids. */
function same(one: OutgoingMessage, other: OutgoingMessage): boolean {
	const said = (message: OutgoingMessage) => {
		const { content, priority, replyTo, mentions, attachments } = message;
		return JSON.stringify([content, priority ?? 'normal', replyTo ?? null, mentions ?? [], attachments ?? []]);
	};
	return said(one) === said(other);
}
