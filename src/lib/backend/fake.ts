/**
 * A complete backend without a shell, for tests and for work on the interface in a plain browser.
 *
 * It behaves as core does where the interface can see it: rows settle, unread is counted from the read position, changes
 * carry revisions. It can be told to be offline, to refuse, or to lose a change. In the browser `?lang=ja|en`,
 * `?theme=light|dark` and `?state=` set the scene: `signin`, `otp` and `otp-setup` (a second factor is in use, or required), `empty`, `baseline`,
 * `waiting`, `busy` (much of everything), or one of `sampleLinks`; `?odd=html` puts markup into every text; `?policy=` is told at
 * `samplePolicy`. There a test reaches it as `window.fakeBackend`.
 */
import { BackendError, type Backend } from './backend';
import type { AttachmentState } from './bindings/AttachmentState';
import type { ChannelItem } from './bindings/ChannelItem';
import type { ConnectionView } from './bindings/ConnectionView';
import type { DragView } from './bindings/DragView';
import type { ErrorCode } from './bindings/ErrorCode';
import type { Gaze } from './bindings/Gaze';
import type { MessageView } from './bindings/MessageView';
import type { NotificationTest } from './bindings/NotificationTest';
import type { PresenceView } from './bindings/PresenceView';
import type { PresenceStatus } from './bindings/PresenceStatus';
import type { Template } from './bindings/Template';
import type { UpdateView } from './bindings/UpdateView';
import type { ViewChange } from './bindings/ViewChange';
import { conversationCommands } from './fake-conversation';
import { FakeDoor } from './fake-door';
import { FakeFiles } from './fake-files';
import { FakeRooms, newRow } from './fake-rooms';
import { people, sampleBusy, samplePresence, sampleTemplates, sampleUnsent } from './sample';
import { sampled } from './sample-odd';
import { now, sampleAbout, sampleDiagnostics, sampleLinks, samplePolicy, samplePreferences } from './sample-scene';

export interface FakeBackend extends Backend {
	/** Every command so far, by name. */
	readonly calls: { name: string; input: unknown }[];
	readonly gaze: Gaze | null;
	/** The next call of this command fails so. */
	failNext(command: keyof Backend, code: ErrorCode): void;
	/** Cuts or restores the link. */
	setOnline(online: boolean): void;
	/** Someone else says something. */
	receive(roomId: string, authorId: keyof typeof people, content: string, more?: Partial<MessageView>): MessageView;
	/** Someone else puts an emoji under a message. */
	react(roomId: string, messageId: string, who: keyof typeof people, emoji: string): void;
	setPresence(presence: PresenceView[]): void;
	setTypingOf(roomId: string, authorId: keyof typeof people, isTyping: boolean): void;
	/** What the system does with notifications from now on. */
	setNotificationTest(outcome: NotificationTest): void;
	/** Files on their way stop, and a test moves them with {@link moveFile}. */
	holdFiles(): void;
	/** Brings a file a step further. */
	moveFile(id: string, state: AttachmentState): void;
	/** Files are over the window, or are not any more, where its engine keeps them from the page. */
	drag(drag: DragView): void;
	/** They are let go there; with what they hold. */
	drop(files: { name: string; bytes: number[]; size?: number }[]): void;
	setUpdate(view: UpdateView): void;
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
	let connection: ConnectionView = { state: 'idle', since: now() };
	let gaze: Gaze | null = null;
	const calls: { name: string; input: unknown }[] = [];
	const failures = new Map<string, ErrorCode>();
	const files = new FakeFiles(publish);
	const rooms = new FakeRooms(publish, files);
	const door = new FakeDoor(scene, publish, rooms, files);
	let holding = false;
	/** Whether the server has said what it speaks. */
	let heard = false;
	let notificationTest: NotificationTest = { kind: 'raised', service: 'gnome-shell 48.4' };
	let templates: Template[] = sampled(scene, sampleTemplates());
	let presence = samplePresence;
	let update: UpdateView = { state: 'newest', callOpen: false };
	let preferences = samplePreferences(scene);
	const policy = samplePolicy(scene);

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

	function linked() {
		return connection.state === 'live' || connection.state === 'limited';
	}

	/** Changes of what the server holds need it. */
	function reach() {
		if (linked()) return;
		throw new BackendError('unreachable', 'no connection', true);
	}

	/** What waits goes out while the link is up. */
	function deliver() {
		if (connection.state === 'live' && !holding) rooms.deliver();
	}

	function setConnection(view: ConnectionView) {
		connection = view;
		publish({ kind: 'connectionChanged', connection });
	}

	function setStatus(userId: string, status: PresenceStatus) {
		presence = [...presence.filter((known) => known.userId !== userId), { userId, status }];
		publish({ kind: 'presenceChanged', presence });
	}

	if (!['signin', 'ended', 'otp', 'otp-setup'].includes(scene.get('state') ?? '')) {
		door.enter('https://chat.hospital.example.jp', true);
		connection = sampleLinks[scene.get('state') ?? '']?.() ?? { state: 'live', since: now(), lastConfirmedAt: now() };
		if (scene.get('state') === 'waiting') {
			for (const row of sampled(scene, sampleUnsent())) rooms.get(row.roomId)?.messages.push(row);
		}
		for (const row of scene.get('state') === 'busy' ? sampled(scene, sampleBusy()) : []) {
			rooms.get(row.roomId)?.messages.push(row);
			for (const file of row.attachments) files.have(row.roomId, file);
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
		receive(roomId, authorId, content, more) {
			const room = rooms.room(roomId);
			const seq = room.nextSeq();
			const id = `m-${roomId}-${seq}`;
			const row = newRow({ key: id, id, roomId, seq, author: people[authorId], content, ...more });
			rooms.upsert(room, row);
			return row;
		},
		react: (roomId, messageId, who, emoji) => rooms.react(roomId, messageId, emoji, people[who], true),
		setPresence(changed) {
			presence = changed;
			publish({ kind: 'presenceChanged', presence });
		},
		setUpdate: (view) => (update = view),
		setNotificationTest: (outcome) => (notificationTest = outcome),
		holdFiles: () => (holding = true),
		moveFile: (id, state) => void files.move(id, state),
		drag: (drag) => files.onDrag(drag),
		drop: (given) => files.drop(given),
		setTypingOf(roomId, authorId, isTyping) {
			const { id, name } = people[authorId];
			publish({ kind: 'typingChanged', roomId, typing: isTyping ? [{ userId: id, name }] : [] });
		},

		...conversationCommands({ scene, rooms, files, record, linked, reach, deliver }),
		async subscribe(onItem) {
			record('subscribe');
			listener = onItem;
			return structuredClone({
				revision,
				session: door.session,
				connection,
				rooms: door.session ? [...rooms.values()].map((room) => room.toView()) : [],
				lock: door.lock,
				presence,
				preferences,
				policy,
				trouble: null
			});
		},
		async checkServer(server) {
			record('checkServer', server);
			return { address: server.includes('://') ? server : `https://${server}`, kind: 'extended' };
		},
		async signIn(request) {
			record('signIn', request);
			if (request.server.startsWith('http://') && !request.allowInsecure) {
				throw new BackendError('insecureAddress', 'plain http', false);
			}
			if (request.credentials.kind === 'password' && request.credentials.password === 'wrong') {
				throw new BackendError('unauthorized', 'refused', false);
			}
			door.askForCode(request.credentials);
			door.forget();
			const entered = door.enter(request.server, request.remember);
			publish({ kind: 'sessionChanged', session: entered, ended: null });
			for (const room of rooms.values()) rooms.tell(room);
			setConnection({ state: 'live', since: now(), lastConfirmedAt: now() });
			return entered;
		},
		async signOut() {
			record('signOut');
			door.leave();
			rooms.clear();
			setConnection({ state: 'idle', since: now() });
		},
		async secondFactor() {
			record('secondFactor');
			return door.secondFactor;
		},
		async offerSecondFactor(proof) {
			record('offerSecondFactor', proof);
			return door.offerSecondFactor(proof);
		},
		async confirmSecondFactor(proof) {
			record('confirmSecondFactor', proof);
			return door.confirmSecondFactor(proof);
		},
		async removeSecondFactor(proof) {
			record('removeSecondFactor', proof);
			door.removeSecondFactor(proof);
		},
		async listDevices() {
			record('listDevices');
			return door.devices;
		},
		async revokeDevice(device) {
			record('revokeDevice', device);
			door.revokeDevice(device);
		},
		async lock() {
			record('lock');
			door.lockUp();
		},
		async unlock(tried) {
			record('unlock');
			return door.unlock(tried);
		},
		async hasPin() {
			record('hasPin');
			return door.pin !== null;
		},
		async setPin(chosen) {
			record('setPin');
			if (chosen.length < 4) throw new BackendError('invalidPin', 'too short', false);
			door.pin = chosen;
		},
		async removePin() {
			record('removePin');
			door.pin = null;
		},
		async setStatus(status) {
			record('setStatus', status);
			reach();
			setStatus(people.sato.id, status);
		},
		async listTemplates() {
			record('listTemplates');
			return structuredClone(templates);
		},
		async saveTemplates(changed) {
			record('saveTemplates', changed);
			templates = structuredClone(changed);
		},
		async openLink(url) {
			record('openLink', url);
			if (!/^(https?|mailto):/.test(url)) throw new BackendError('refused', 'not a link', false);
		},
		async about() {
			record('about');
			heard ||= linked() && scene.get('state') !== 'baseline';
			return sampleAbout(heard);
		},
		async diagnostics() {
			record('diagnostics');
			return sampleDiagnostics;
		},
		async saveConversation(roomId) {
			record('saveConversation', roomId);
			return true;
		},
		async saveDiagnostics(text) {
			record('saveDiagnostics', text);
			return true;
		},
		async testNotification() {
			record('testNotification');
			return notificationTest;
		},
		async setGaze(seen) {
			record('setGaze', seen);
			gaze = seen;
		},
		async setPreferences(changed) {
			record('setPreferences', changed);
			const { proxy, caFile } = changed.connection ?? preferences.connection;
			if (proxy !== '' && !/^https?:\/\/[^\s/@]+\/?$/.test(proxy)) {
				throw new BackendError('invalidProxy', 'no proxy', false);
			}
			if (caFile !== '' && !caFile.endsWith('.pem')) throw new BackendError('invalidCaFile', 'no certificate', false);
			preferences = { ...preferences, ...changed };
			publish({ kind: 'preferencesChanged', preferences });
		},
		async reconnectNow() {
			record('reconnectNow');
			setConnection({ state: 'live', since: now(), lastConfirmedAt: now() });
			deliver();
		},
		async updateState() {
			record('updateState');
			return update;
		},
		async lookForUpdate() {
			record('lookForUpdate');
			return (update = { ...update, state: 'ready', version: '0.2.0' });
		},
		async beginNewer() {
			try {
				record('beginNewer');
			} catch (failure) {
				update = { state: 'failed', callOpen: false };
				throw failure;
			}
		},
		async removeEverything() {
			record('removeEverything');
		}
	};
}
