/**
 * What the fake backend does with rooms, messages and files.
 *
 * Invariant: as in core, what the server holds changes only while the link is up, and an own message is there at once.
 */
import type { Backend } from './backend';
import type { User } from './bindings/User';
import type { FakeFiles } from './fake-files';
import { FakeRoom, type FakeRooms } from './fake-rooms';
import { colleagues, people } from './sample';
import { sampled } from './sample-odd';

interface Parts {
	scene: URLSearchParams;
	rooms: FakeRooms;
	files: FakeFiles;
	/** Notes a command, and fails where it was told to. */
	record: (name: keyof Backend, input?: unknown) => void;
	/** Whether there is a link. */
	linked: () => boolean;
	/** Fails without one. */
	reach: () => void;
	/** What waits goes out while the link is up. */
	deliver: () => void;
}

export function conversationCommands({ scene, rooms, files, record, linked, reach, deliver }: Parts) {
	let lastLocal = 1_000_000;

	/** A file comes to this computer, unless it is here. */
	function fetchFile(id: string) {
		const { view } = files.file(id);
		if (view.state.kind !== 'remote') return view;
		reach();
		files.move(id, { kind: 'downloading', bytes: Math.floor(view.size / 2) });
		return files.move(id, { kind: 'here' });
	}

	function begin(id: string, name: string, others: User[]) {
		const kind = others.some((other) => other.userType === 'patient') ? 'patient' : 'staff';
		const choices = { pinned: false, notify: 'usual' as const };
		const room = new FakeRoom({ id, name, kind, members: [people.sato, ...others], readSeq: 0, choices }, []);
		rooms.set(id, room);
		rooms.tell(room);
		return room.toView();
	}

	return {
		async openRoom(roomId) {
			record('openRoom', roomId);
			const room = rooms.room(roomId);
			return structuredClone({
				room: room.toView(),
				page: room.newest(),
				draft: room.draft,
				draftQuote: room.quoteOf(room.draft.replyTo),
				edit: room.begunEdit(),
				attachments: files.composing(roomId),
				typing: []
			});
		},
		async loadEarlier(roomId, before) {
			record('loadEarlier', { roomId, before });
			return rooms.room(roomId).before(before, linked());
		},
		async loadLater(roomId, after) {
			record('loadLater', { roomId, after });
			return rooms.room(roomId).after(after, linked());
		},
		async loadAround(roomId, at) {
			record('loadAround', { roomId, at });
			return rooms.room(roomId).around(at, linked());
		},
		async locate(roomId, place) {
			record('locate', { roomId, place });
			return rooms.room(roomId).locate(place);
		},
		async search(query) {
			record('search', query);
			return rooms.search(query);
		},
		async messageDetails(roomId, messageId) {
			record('messageDetails', { roomId, messageId });
			return structuredClone(rooms.room(roomId).details(messageId));
		},
		async addRoom(roomId) {
			record('addRoom', roomId);
			return begin(roomId, roomId, []);
		},
		async sendMessage(message) {
			record('sendMessage', message);
			const row = rooms.queue(message, ++lastLocal);
			setTimeout(deliver, 150);
			return row;
		},
		async editMessage(roomId, messageId, content) {
			record('editMessage', { roomId, messageId, content });
			reach();
			rooms.change(roomId, messageId, () => ({ content, edited: true }));
		},
		async deleteMessage(roomId, messageId) {
			record('deleteMessage', { roomId, messageId });
			reach();
			rooms.change(roomId, messageId, () => ({
				content: '',
				deleted: true,
				reactions: [],
				attachments: []
			}));
		},
		async reactToMessage(roomId, messageId, emoji, on) {
			record('reactToMessage', { roomId, messageId, emoji, on });
			reach();
			rooms.react(roomId, messageId, emoji, people.sato, on);
		},
		async acknowledgeMessage(roomId, messageId) {
			record('acknowledgeMessage', { roomId, messageId });
			reach();
			rooms.change(roomId, messageId, (row) => ({
				acknowledgedBy: [...new Set([...row.acknowledgedBy, people.sato.id])]
			}));
		},
		async addAttachment(file) {
			record('addAttachment', file);
			return files.add(file);
		},
		async addAttachmentBytes(id, offset, bytes) {
			record('addAttachmentBytes', { id, offset });
			return files.addBytes(id, offset, bytes);
		},
		async removeAttachment(id) {
			record('removeAttachment', id);
			files.remove(id);
		},
		async fetchAttachment(roomId, id) {
			record('fetchAttachment', { roomId, id });
			return fetchFile(id);
		},
		async copyAttachment(roomId, id, toRoomId, copyId) {
			record('copyAttachment', { roomId, id, toRoomId, copyId });
			fetchFile(id);
			return files.copy(id, toRoomId, copyId);
		},
		async attachmentPicture(roomId, id, size) {
			record('attachmentPicture', { roomId, id, size });
			if (size === 'full') fetchFile(id);
			return files.picture(id, size);
		},
		async pastedPicture() {
			record('pastedPicture');
			return new ArrayBuffer(0);
		},
		async watchDrags(onDrag) {
			record('watchDrags');
			files.onDrag = onDrag;
		},
		async droppedBytes(id, offset) {
			record('droppedBytes', { id, offset });
			return files.dropped(id, offset);
		},
		async saveAttachment(roomId, id) {
			record('saveAttachment', { roomId, id });
			fetchFile(id);
			return true;
		},
		async setRoomChoices(roomId, choices) {
			record('setRoomChoices', { roomId, choices });
			const room = rooms.room(roomId);
			room.view.choices = choices;
			rooms.tell(room);
		},
		async listPeople() {
			record('listPeople');
			reach();
			const others = Object.values(people).filter((person) => person.id !== people.sato.id);
			return sampled(scene, [...others, ...colleagues]);
		},
		async createRoom({ name, memberIds }) {
			record('createRoom', { name, memberIds });
			reach();
			const everyone: User[] = [...Object.values(people), ...colleagues];
			const others = everyone.filter((person) => memberIds.includes(person.id));
			const id = name === null ? `direct-${memberIds.join('-')}` : `group-${rooms.size}`;
			return rooms.get(id)?.toView() ?? begin(id, name ?? others.map((other) => other.name).join('、'), others);
		},
		async retryMessage(clientMessageId) {
			record('retryMessage', clientMessageId);
			rooms.retry(clientMessageId);
			deliver();
		},
		async unsentMessages() {
			record('unsentMessages');
			return rooms.unsent();
		},
		async discardMessage(clientMessageId) {
			record('discardMessage', clientMessageId);
			rooms.discard(clientMessageId);
		},
		async markRead(roomId, upToSeq) {
			record('markRead', { roomId, upToSeq });
			const room = rooms.room(roomId);
			room.view.readSeq = Math.max(room.view.readSeq, upToSeq);
			rooms.tell(room);
		},
		async markUnread(roomId, fromSeq) {
			record('markUnread', { roomId, fromSeq });
			const room = rooms.room(roomId);
			room.view.readSeq = Math.min(room.view.readSeq, fromSeq - 1);
			rooms.tell(room);
		},
		async setTyping(roomId, isTyping) {
			record('setTyping', { roomId, isTyping });
		},
		async saveDraft(roomId, draft) {
			record('saveDraft', { roomId, ...draft });
			const room = rooms.room(roomId);
			room.draft = draft;
			rooms.tell(room);
		},
		async saveEdit(roomId, edit) {
			record('saveEdit', { roomId, edit });
			rooms.room(roomId).edit = edit;
		}
	} satisfies Partial<Backend>;
}
