/**
 * A complete backend without a shell, for tests and for work on the interface in a plain browser.
 *
 * It behaves as core does where the interface can see it: rows settle, unread is counted from the read position, changes
 * carry revisions. It can be told to be offline, to refuse, or to lose a change. In the browser `?lang=ja|en`,
 * `?theme=light|dark` and `?state=` set the scene: `signin`, `empty`, `baseline`, `waiting`, or one of {@link LINKS}. There a
 * test reaches it as `window.fakeBackend`.
 */
import { BackendError, type Backend } from './backend';
import type { ChannelItem } from './bindings/ChannelItem';
import type { ConnectionView } from './bindings/ConnectionView';
import type { ErrorCode } from './bindings/ErrorCode';
import type { Gaze } from './bindings/Gaze';
import type { Language } from './bindings/Language';
import type { MessageView } from './bindings/MessageView';
import type { Preferences } from './bindings/Preferences';
import type { RoomView } from './bindings/RoomView';
import type { SessionView } from './bindings/SessionView';
import type { Theme } from './bindings/Theme';
import type { ViewChange } from './bindings/ViewChange';
import { DEFAULT_CONNECTION } from './connection';
import { people, sampleRooms, sampleUnsent } from './sample';

const PAGE = 50;

/** The link in scenes where it is not simply live. */
const LINKS: Record<string, () => ConnectionView> = {
	offline: () => ({
		state: 'offline',
		since: now(-8 * 60_000),
		reason: 'unreachable',
		nextAttemptAt: now(12_000),
		lastConfirmedAt: now(-8 * 60_000)
	}),
	stopped: () => ({
		state: 'offline',
		since: now(-25 * 60_000),
		reason: 'unreachable',
		lastConfirmedAt: now(-25 * 60_000)
	}),
	limited: () => ({ state: 'limited', since: now(), reason: 'webSocketBlocked', lastConfirmedAt: now() }),
	proxy: () => ({ state: 'limited', since: now(), reason: 'proxyInUse', lastConfirmedAt: now() }),
	catchingUp: () => ({ state: 'catchingUp', since: now(), progress: { fetched: 1_200 }, lastConfirmedAt: now() }),
	history: () => ({
		state: 'live',
		since: now(),
		progress: { fetched: 12_000, total: 100_000 },
		lastConfirmedAt: now()
	})
};

interface FakeRoom {
	view: Omit<RoomView, 'unread' | 'lastMessage' | 'unsent' | 'hasDraft'>;
	messages: MessageView[];
	draft: string;
}

export interface FakeBackend extends Backend {
	/** Every command so far, by name. */
	readonly calls: { name: string; input: unknown }[];
	readonly gaze: Gaze | null;
	/** The next call of this command fails so. */
	failNext(command: keyof Backend, code: ErrorCode): void;
	/** Cuts or restores the link. */
	setOnline(online: boolean): void;
	/** Someone else says something. */
	receive(roomId: string, authorId: keyof typeof people, content: string): MessageView;
	setTypingOf(roomId: string, authorId: keyof typeof people, isTyping: boolean): void;
	/** Publishes any change, as core would. */
	publish(change: ViewChange): void;
	/** Loses the next change on its way. */
	loseNext(): void;
	/** The channel overflows. */
	lag(): void;
}

export function createFakeBackend(scene = new URLSearchParams()): FakeBackend {
	let revision = 0;
	let listener: ((item: ChannelItem) => void) | null = null;
	let losing = false;
	let session: SessionView | null = null;
	let connection: ConnectionView = { state: 'idle', since: now() };
	let gaze: Gaze | null = null;
	let lastLocal = 1_000_000;
	const calls: { name: string; input: unknown }[] = [];
	const failures = new Map<string, ErrorCode>();
	const rooms = new Map<string, FakeRoom>();
	let preferences: Preferences = {
		language: (scene.get('lang') as Language | null) ?? undefined,
		theme: (scene.get('theme') as Theme | null) ?? 'system',
		enterSends: true,
		notifyAbout: 'important',
		notificationPrivacy: 'sender',
		lastServer: 'chat.hospital.example.jp',
		lastUsername: 'sato',
		connection: DEFAULT_CONNECTION
	};

	function publish(change: ViewChange) {
		revision += 1;
		if (losing) {
			losing = false;
			return;
		}
		listener?.({ kind: 'events', events: [{ revision, change: structuredClone(change) }] });
	}

	function record(name: keyof Backend, input?: unknown) {
		calls.push({ name, input });
		const code = failures.get(name);
		if (code) {
			failures.delete(name);
			throw new BackendError(code, `told to fail with ${code}`, false);
		}
	}

	function viewOf(room: FakeRoom): RoomView {
		const last = room.messages.at(-1);
		return {
			...room.view,
			unread: room.messages.filter((row) => !row.own && !row.deleted && (row.seq ?? 0) > room.view.readSeq).length,
			unsent: room.messages.filter((row) => row.seq === undefined).length,
			hasDraft: room.draft !== '',
			lastMessage: last && {
				preview: last.content.replace(/\s+/g, ' ').slice(0, 120),
				authorName: last.author.name,
				own: last.own,
				createdAt: last.createdAt,
				delivery: last.delivery,
				deleted: last.deleted
			}
		};
	}

	function roomOf(roomId: string): FakeRoom {
		const room = rooms.get(roomId);
		if (!room) throw new BackendError('notFound', 'no such room', false);
		return room;
	}

	function upsert(room: FakeRoom, row: MessageView) {
		const index = room.messages.findIndex((known) => known.key === row.key);
		if (index >= 0) room.messages[index] = row;
		else room.messages.push(row);
		publish({ kind: 'messagesUpserted', roomId: room.view.id, messages: [row] });
		publish({ kind: 'roomUpserted', room: viewOf(room) });
	}

	const nextSeq = (room: FakeRoom) => Math.max(0, ...room.messages.map((row) => row.seq ?? 0)) + 1;

	/** What waits goes out while the link is up. */
	function deliver() {
		if (connection.state !== 'live') return;
		for (const room of rooms.values()) {
			for (const row of room.messages.filter((row) => row.delivery === 'queued')) {
				const seq = nextSeq(room);
				upsert(room, { ...row, id: `m-${room.view.id}-${seq}`, seq, delivery: 'sent', problem: undefined });
			}
		}
	}

	function setConnection(view: ConnectionView) {
		connection = view;
		publish({ kind: 'connectionChanged', connection });
	}

	function enter(server: string, remembered: boolean): SessionView {
		session = { user: people.sato, server, remembered, baseline: scene.get('state') === 'baseline' };
		if (scene.get('state') !== 'empty') {
			for (const sample of sampleRooms()) rooms.set(sample.view.id, { ...sample, draft: '' });
		}
		return session;
	}

	if (!['signin', 'ended'].includes(scene.get('state') ?? '')) {
		enter('https://chat.hospital.example.jp', true);
		connection = LINKS[scene.get('state') ?? '']?.() ?? { state: 'live', since: now(), lastConfirmedAt: now() };
		if (scene.get('state') === 'waiting') {
			for (const row of sampleUnsent()) rooms.get(row.roomId)?.messages.push(row);
		}
	}

	return {
		calls,
		get gaze() {
			return gaze;
		},
		failNext: (command, code) => void failures.set(command, code),
		publish,
		loseNext: () => (losing = true),
		lag: () => listener?.({ kind: 'lagged' }),
		setOnline(online) {
			setConnection(
				online
					? { state: 'live', since: now(), lastConfirmedAt: now() }
					: { state: 'offline', since: now(), reason: 'unreachable', nextAttemptAt: now(5_000), lastConfirmedAt: now() }
			);
			deliver();
		},
		receive(roomId, authorId, content) {
			const room = roomOf(roomId);
			const seq = nextSeq(room);
			const id = `m-${roomId}-${seq}`;
			const row: MessageView = {
				key: id,
				roomId,
				id,
				seq,
				pendingOrder: 0,
				author: people[authorId],
				own: authorId === 'sato',
				content,
				priority: 'normal',
				createdAt: now(),
				readBy: 0,
				edited: false,
				deleted: false
			};
			upsert(room, row);
			return row;
		},
		setTypingOf(roomId, authorId, isTyping) {
			const { id, name } = people[authorId];
			publish({ kind: 'typingChanged', roomId, typing: isTyping ? [{ userId: id, name }] : [] });
		},

		async subscribe(onItem) {
			record('subscribe');
			listener = onItem;
			return structuredClone({
				revision,
				session,
				connection,
				rooms: [...rooms.values()].map(viewOf),
				preferences,
				trouble: null
			});
		},
		async signIn(request) {
			record('signIn', request);
			if (request.server.startsWith('http://') && !request.allowInsecure) {
				throw new BackendError('insecureAddress', 'plain http', false);
			}
			if (request.credentials.kind === 'password' && request.credentials.password === 'wrong') {
				throw new BackendError('unauthorized', 'refused', false);
			}
			const entered = enter(request.server, request.remember);
			publish({ kind: 'sessionChanged', session: entered, ended: null });
			for (const room of rooms.values()) publish({ kind: 'roomUpserted', room: viewOf(room) });
			setConnection({ state: 'live', since: now(), lastConfirmedAt: now() });
			return entered;
		},
		async signOut() {
			record('signOut');
			session = null;
			rooms.clear();
			publish({ kind: 'sessionChanged', session: null, ended: null });
			setConnection({ state: 'idle', since: now() });
		},
		async openRoom(roomId) {
			record('openRoom', roomId);
			const room = roomOf(roomId);
			const view = viewOf(room);
			const page = room.messages.slice(-Math.max(PAGE, view.unread + 20));
			return structuredClone({
				room: view,
				page: { roomId, messages: page, hasEarlier: page.length < room.messages.length },
				draft: room.draft,
				typing: []
			});
		},
		async loadEarlier(roomId, before) {
			record('loadEarlier', { roomId, before });
			const earlier = roomOf(roomId).messages.filter((row) => row.seq !== undefined && row.seq < before);
			const page = earlier.slice(-PAGE);
			return structuredClone({ roomId, messages: page, hasEarlier: page.length < earlier.length });
		},
		async addRoom(roomId) {
			record('addRoom', roomId);
			const room: FakeRoom = {
				view: { id: roomId, name: roomId, kind: 'staff', members: [people.sato], readSeq: 0 },
				messages: [],
				draft: ''
			};
			rooms.set(roomId, room);
			publish({ kind: 'roomUpserted', room: viewOf(room) });
			return viewOf(room);
		},
		async sendMessage(message) {
			record('sendMessage', message);
			const room = roomOf(message.roomId);
			const known = room.messages.find((row) => row.key === message.clientMessageId);
			if (known) return known;
			const row: MessageView = {
				key: message.clientMessageId,
				roomId: message.roomId,
				clientMessageId: message.clientMessageId,
				pendingOrder: ++lastLocal,
				author: people.sato,
				own: true,
				content: message.content,
				priority: message.priority ?? 'normal',
				createdAt: now(),
				delivery: 'queued',
				readBy: 0,
				edited: false,
				deleted: false
			};
			room.draft = '';
			upsert(room, row);
			setTimeout(deliver, 150);
			return row;
		},
		async retryMessage(clientMessageId) {
			record('retryMessage', clientMessageId);
			for (const room of rooms.values()) {
				const row = room.messages.find((row) => row.key === clientMessageId && row.delivery === 'failed');
				if (row) upsert(room, { ...row, delivery: 'queued', problem: undefined });
			}
			deliver();
		},
		async unsentMessages() {
			record('unsentMessages');
			return [...rooms.values()]
				.flatMap((room) => room.messages.filter((row) => row.own && row.seq === undefined))
				.sort((a, b) => a.pendingOrder - b.pendingOrder);
		},
		async discardMessage(clientMessageId) {
			record('discardMessage', clientMessageId);
			for (const room of rooms.values()) {
				const index = room.messages.findIndex((row) => row.key === clientMessageId && row.seq === undefined);
				if (index < 0) continue;
				room.messages.splice(index, 1);
				publish({ kind: 'messageRemoved', roomId: room.view.id, key: clientMessageId });
				publish({ kind: 'roomUpserted', room: viewOf(room) });
			}
		},
		async markRead(roomId, upToSeq) {
			record('markRead', { roomId, upToSeq });
			const room = roomOf(roomId);
			room.view.readSeq = Math.max(room.view.readSeq, upToSeq);
			publish({ kind: 'roomUpserted', room: viewOf(room) });
		},
		async setTyping(roomId, isTyping) {
			record('setTyping', { roomId, isTyping });
		},
		async saveDraft(roomId, content) {
			record('saveDraft', { roomId, content });
			const room = roomOf(roomId);
			room.draft = content;
			publish({ kind: 'roomUpserted', room: viewOf(room) });
		},
		async setGaze(seen) {
			record('setGaze', seen);
			gaze = seen;
		},
		async setPreferences(changed) {
			record('setPreferences', changed);
			const { proxy, caFile } = changed.connection;
			if (proxy !== '' && !/^https?:\/\/[^\s/@]+\/?$/.test(proxy)) {
				throw new BackendError('invalidProxy', 'no proxy', false);
			}
			if (caFile !== '' && !caFile.endsWith('.pem')) throw new BackendError('invalidCaFile', 'no certificate', false);
			preferences = changed;
			publish({ kind: 'preferencesChanged', preferences });
		},
		async reconnectNow() {
			record('reconnectNow');
			setConnection({ state: 'live', since: now(), lastConfirmedAt: now() });
			deliver();
		}
	};
}

function now(offsetMs = 0): string {
	return new Date(Date.now() + offsetMs).toISOString();
}
