/**
 * The rooms of the fake backend: their rows, pages, places, and what is found in them.
 *
 * They behave as core's do where the interface can see it: unread is counted from the read position, pages say what lies
 * beyond them, a search folds width, case and kana.
 */
import { BackendError } from './backend';
import type { BegunEdit } from './bindings/BegunEdit';
import type { Draft } from './bindings/Draft';
import type { EditText } from './bindings/EditText';
import type { MessageDetails } from './bindings/MessageDetails';
import type { MessageView } from './bindings/MessageView';
import type { OutgoingMessage } from './bindings/OutgoingMessage';
import type { Place } from './bindings/Place';
import type { QuoteView } from './bindings/QuoteView';
import type { RoomView } from './bindings/RoomView';
import type { SearchPage } from './bindings/SearchPage';
import type { SearchQuery } from './bindings/SearchQuery';
import type { TimelinePage } from './bindings/TimelinePage';
import type { User } from './bindings/User';
import type { ViewChange } from './bindings/ViewChange';
import type { FakeFiles } from './fake-files';
import { people } from './sample';

const NO_DRAFT: Draft = { content: '', replyTo: null, mentions: [] };
const PAGE = 50;
const HITS = 50;
const PREVIEW_CHARS = 120;
/** So much of a hit's text stands before what was found. */
const EXCERPT_BEFORE = 30;

export type FakeRoomView = Omit<
	RoomView,
	'unread' | 'unreadMentions' | 'unreadUrgent' | 'lastMessage' | 'unsent' | 'hasDraft'
>;

/** What every row starts from. */
export function newRow(
	given: Pick<MessageView, 'key' | 'roomId' | 'author' | 'content'> & Partial<MessageView>
): MessageView {
	return {
		pendingOrder: 0,
		own: given.author.id === people.sato.id,
		priority: 'normal',
		createdAt: new Date().toISOString(),
		readBy: 0,
		edited: false,
		deleted: false,
		mentions: [],
		reactions: [],
		acknowledgedBy: [],
		attachments: [],
		...given
	};
}

export class FakeRoom {
	draft: Draft = NO_DRAFT;
	edit: EditText | null = null;
	/** Rows from this one on are on this computer; those before it are at the server only. */
	#here: number;

	constructor(
		readonly view: FakeRoomView,
		readonly messages: MessageView[]
	) {
		this.#here = Math.max(0, messages.length - PAGE);
	}

	toView(): RoomView {
		const last = this.messages.at(-1);
		const unread = this.messages.filter((row) => !row.own && !row.deleted && (row.seq ?? 0) > this.view.readSeq);
		return {
			...this.view,
			unread: unread.length,
			unreadMentions: unread.filter((row) => row.mentions.includes(people.sato.id)).length,
			unreadUrgent: unread.filter((row) => row.priority === 'urgent').length,
			unsent: this.messages.filter((row) => row.seq === undefined).length,
			hasDraft: this.draft.content !== '',
			lastMessage: last && {
				preview: previewOf(last),
				authorName: last.author.name,
				own: last.own,
				createdAt: last.createdAt,
				delivery: last.delivery,
				deleted: last.deleted
			}
		};
	}

	nextSeq(): number {
		return Math.max(0, ...this.messages.map((row) => row.seq ?? 0)) + 1;
	}

	byId(messageId: string): MessageView {
		const row = this.messages.find((row) => row.id === messageId);
		if (!row) throw new BackendError('notFound', 'no such message', false);
		return row;
	}

	begunEdit(): BegunEdit | undefined {
		const message = this.messages.find((row) => row.id === this.edit?.messageId);
		return message && this.edit ? { message, content: this.edit.content } : undefined;
	}

	quoteOf(messageId: string | null | undefined): QuoteView | undefined {
		if (!messageId) return undefined;
		const row = this.messages.find((row) => row.id === messageId);
		return {
			messageId,
			seq: row?.seq,
			authorName: row?.author.name ?? '',
			preview: row ? previewOf(row) : '',
			deleted: row?.deleted ?? false
		};
	}

	/** The newest rows: at least a page, and a little more than what is unread. */
	newest(): TimelinePage {
		return this.#page(this.messages.length - Math.max(PAGE, this.toView().unread + 20), this.messages.length, true);
	}

	/** As the two below: `linked` to the server, or only of what is here. */
	before(seq: number, linked: boolean): TimelinePage {
		const end = this.messages.findIndex((row) => row.seq === undefined || row.seq >= seq);
		return this.#page(end - PAGE, end, linked);
	}

	after(seq: number, linked: boolean): TimelinePage {
		const start = this.messages.findIndex((row) => row.seq === undefined || row.seq > seq);
		const from = start < 0 ? this.messages.length : start;
		return this.#page(from, from + PAGE, linked);
	}

	around(seq: number, linked: boolean): TimelinePage {
		const middle = this.messages.findIndex((row) => row.seq === undefined || row.seq >= seq);
		return this.#page(middle - PAGE / 2, middle + PAGE / 2, linked, middle);
	}

	locate(place: Place): number | null {
		const sent = this.messages.filter((row) => row.seq !== undefined);
		const row =
			place.kind === 'message'
				? sent.find((row) => row.id === place.messageId)
				: sent.find((row) => row.createdAt >= place.at);
		return row?.seq ?? null;
	}

	details(messageId: string): MessageDetails {
		const message = this.byId(messageId);
		const others = this.view.members.filter((member) => member.id !== message.author.id);
		return {
			message,
			editedAt: message.edited ? message.createdAt : undefined,
			members: others.map((user, index) => ({
				user,
				delivered: message.delivery === 'delivered' || index < message.readBy,
				read: index < message.readBy,
				acknowledgedAt: message.acknowledgedBy.includes(user.id) ? message.createdAt : undefined
			}))
		};
	}

	/** The rows from `start` up to `end`; without a link none where the one that is `meant` is not here. */
	#page(start: number, end: number, linked: boolean, meant = end - 1): TimelinePage {
		if (linked) this.#here = Math.min(this.#here, Math.max(0, start));
		const from = Math.max(this.#here, start);
		const roomId = this.view.id;
		if (meant < this.#here && this.#here > 0 && !linked) {
			return { roomId, messages: [], hasEarlier: true, hasLater: true, incomplete: 'unreachable' };
		}
		return structuredClone({
			roomId,
			messages: this.messages.slice(from, Math.max(0, end)),
			hasEarlier: from > 0,
			hasLater: end < this.messages.length
		});
	}
}

export class FakeRooms extends Map<string, FakeRoom> {
	constructor(
		private readonly publish: (change: ViewChange) => void,
		private readonly files: FakeFiles
	) {
		super();
	}

	room(roomId: string): FakeRoom {
		const room = this.get(roomId);
		if (!room) throw new BackendError('notFound', 'no such room', false);
		return room;
	}

	tell(room: FakeRoom) {
		this.publish({ kind: 'roomUpserted', room: room.toView() });
	}

	upsert(room: FakeRoom, row: MessageView) {
		const index = room.messages.findIndex((known) => known.key === row.key);
		if (index >= 0) room.messages[index] = row;
		else room.messages.push(row);
		this.publish({ kind: 'messagesUpserted', roomId: room.view.id, messages: [row] });
		this.tell(room);
	}

	/** Changes a message that has been sent, and the quotes of it. */
	change(roomId: string, messageId: string, change: (row: MessageView) => Partial<MessageView>) {
		const room = this.room(roomId);
		const row = room.byId(messageId);
		this.upsert(room, { ...row, ...change(row) });
		for (const answer of room.messages.filter((row) => row.replyTo?.messageId === messageId)) {
			this.upsert(room, { ...answer, replyTo: room.quoteOf(messageId) });
		}
	}

	react(roomId: string, messageId: string, emoji: string, who: User, on: boolean) {
		const own = who.id === people.sato.id;
		this.change(roomId, messageId, (row) => {
			const known = row.reactions.find((reaction) => reaction.emoji === emoji) ?? { emoji, names: [], own: false };
			const names = known.names.filter((name) => name !== who.name);
			const changed = { emoji, names: on ? [...names, who.name] : names, own: own ? on : known.own };
			const reactions = row.reactions.includes(known)
				? row.reactions.map((reaction) => (reaction === known ? changed : reaction))
				: [...row.reactions, changed];
			return { reactions: reactions.filter((reaction) => reaction.names.length > 0) };
		});
	}

	/** An own message, waiting. */
	queue(message: OutgoingMessage, pendingOrder: number): MessageView {
		const room = this.room(message.roomId);
		const known = room.messages.find((row) => row.key === message.clientMessageId);
		if (known) return known;
		const row = newRow({
			key: message.clientMessageId,
			roomId: message.roomId,
			clientMessageId: message.clientMessageId,
			pendingOrder,
			author: people.sato,
			content: message.content,
			priority: message.priority ?? 'normal',
			replyTo: room.quoteOf(message.replyTo),
			mentions: message.mentions ?? [],
			attachments: this.files.attach(message.attachments ?? []),
			delivery: 'queued'
		});
		if (!message.keepsDraft) room.draft = NO_DRAFT;
		this.upsert(room, row);
		return row;
	}

	/** What waits goes out. */
	deliver() {
		for (const room of this.values()) {
			for (const row of room.messages.filter((row) => row.delivery === 'queued')) {
				const seq = room.nextSeq();
				const attachments = row.attachments.map((file) => this.files.move(file.id, { kind: 'here' }));
				const id = `m-${room.view.id}-${seq}`;
				this.upsert(room, { ...row, id, seq, attachments, delivery: 'sent', problem: undefined });
			}
		}
	}

	/** What could not be sent is tried again. */
	retry(clientMessageId: string) {
		for (const room of this.values()) {
			const row = room.messages.find((row) => row.key === clientMessageId && row.delivery === 'failed');
			if (row) this.upsert(room, { ...row, delivery: 'queued', problem: undefined });
		}
	}

	discard(clientMessageId: string) {
		for (const room of this.values()) {
			const index = room.messages.findIndex((row) => row.key === clientMessageId && row.seq === undefined);
			if (index < 0) continue;
			room.messages.splice(index, 1);
			this.publish({ kind: 'messageRemoved', roomId: room.view.id, key: clientMessageId });
			this.tell(room);
		}
	}

	/** Own messages that are not sent, of all rooms, in the order they were written. */
	unsent(): MessageView[] {
		return [...this.values()]
			.flatMap((room) => room.messages.filter((row) => row.own && row.seq === undefined))
			.sort((a, b) => a.pendingOrder - b.pendingOrder);
	}

	search(query: SearchQuery): SearchPage {
		const words = fold(query.text)
			.split(/\s+/)
			.filter((word) => word !== '');
		const found = [...this.values()]
			.filter((room) => query.roomId === null || room.view.id === query.roomId)
			.flatMap((room) => room.messages)
			.filter(
				(row) =>
					words.length > 0 &&
					!row.deleted &&
					row.seq !== undefined &&
					words.every((word) => fold(row.content).includes(word)) &&
					(query.authorId === null || row.author.id === query.authorId) &&
					(query.since === null || row.createdAt >= query.since) &&
					(query.until === null || row.createdAt < query.until)
			)
			.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
		const from = Number(query.after ?? 0);
		return structuredClone({
			hits: found.slice(from, from + HITS).map((message) => ({ message, excerpt: excerpt(message.content, words) })),
			next: from + HITS < found.length ? String(from + HITS) : undefined
		});
	}
}

/** One character for one, so that a place in the folded text is the same place in the text. */
function fold(text: string): string {
	return [...text]
		.map((char) => {
			const folded = char
				.normalize('NFKC')
				.toLowerCase()
				.replace(/[ァ-ヶ]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
			return folded.length === char.length ? folded : char;
		})
		.join('');
}

function excerpt(content: string, words: string[]) {
	const line = content.replace(/\s/g, ' ');
	const folded = fold(line);
	const [word = '', at = 0] = words
		.map((word): [string, number] => [word, folded.indexOf(word)])
		.reduce((first, next) => (next[1] < first[1] ? next : first));
	const start = Math.max(0, at - EXCERPT_BEFORE);
	return [
		{ text: (start > 0 ? '…' : '') + line.slice(start, at), hit: false },
		{ text: line.slice(at, at + word.length), hit: true },
		{ text: line.slice(at + word.length, start + PREVIEW_CHARS), hit: false }
	].filter((part) => part.text !== '');
}

/** The text, or where there is none, the names of the files. */
function previewOf(row: MessageView): string {
	const text = row.content || row.attachments.map((file) => file.name).join(' ');
	return text.replace(/\s+/g, ' ').slice(0, PREVIEW_CHARS);
}
