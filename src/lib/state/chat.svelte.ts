/**
 * What core says is true, for the interface to draw.
 *
 * Invariants: this holds what the last snapshot and the changes after it said, and decides nothing; a change that was lost
 * leads to a new snapshot; nothing is cached that core can be asked for.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { Backend } from '$lib/backend/backend';
import { DEFAULT_CONNECTION } from '$lib/backend/connection';
import type { ChannelItem } from '$lib/backend/bindings/ChannelItem';
import type { ConnectionView } from '$lib/backend/bindings/ConnectionView';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import type { PolicyKey } from '$lib/backend/bindings/PolicyKey';
import type { PolicyView } from '$lib/backend/bindings/PolicyView';
import type { Preferences } from '$lib/backend/bindings/Preferences';
import type { LockView } from '$lib/backend/bindings/LockView';
import type { MessageId } from '$lib/backend/bindings/MessageId';
import type { MessageView } from '$lib/backend/bindings/MessageView';
import type { OpenedRoom } from '$lib/backend/bindings/OpenedRoom';
import type { OutgoingMessage } from '$lib/backend/bindings/OutgoingMessage';
import type { Place } from '$lib/backend/bindings/Place';
import type { PresenceStatus } from '$lib/backend/bindings/PresenceStatus';
import type { PresenceView } from '$lib/backend/bindings/PresenceView';
import type { RoomId } from '$lib/backend/bindings/RoomId';
import type { RoomView } from '$lib/backend/bindings/RoomView';
import type { Seq } from '$lib/backend/bindings/Seq';
import type { SessionEndReason } from '$lib/backend/bindings/SessionEndReason';
import type { SessionView } from '$lib/backend/bindings/SessionView';
import type { Snapshot } from '$lib/backend/bindings/Snapshot';
import type { TypingPerson } from '$lib/backend/bindings/TypingPerson';
import type { UserId } from '$lib/backend/bindings/UserId';
import type { ViewChange } from '$lib/backend/bindings/ViewChange';
import { Handover } from './handover';
import { Held } from './held.svelte';
import { Outbox } from './outbox.svelte';
import { Templates } from './templates.svelte';
import { isMissing, Timeline } from './timeline.svelte';
import { uuidv7 } from './uuid';
import { WaitingFiles } from './waiting-files.svelte';

const NOT_CONNECTED: ConnectionView = { state: 'idle', since: new Date(0).toISOString() };

/** How long to leave a host alone that could not give a snapshot. */
const RETRY_MS = 1_000;

export class Chat {
	readonly backend: Backend;
	readonly handover: Handover;
	/** What is held back for a moment, of all rooms. */
	readonly held: Held;
	/** What waits to be sent, of all rooms. */
	readonly outbox: Outbox;
	/** Files that wait in composers. */
	readonly files: WaitingFiles;
	/** Texts the person writes often. */
	readonly templates: Templates;

	/** False until the first snapshot is here. */
	ready = $state(false);
	session = $state.raw<SessionView | null>(null);
	/** What a locked app shows. */
	lock = $state.raw<LockView | null>(null);
	/** Why there is no session, where the person did not end it. */
	ended = $state<SessionEndReason | null>(null);
	connection = $state.raw<ConnectionView>(NOT_CONNECTED);
	preferences = $state.raw<Preferences>({
		theme: 'system',
		textSize: 'normal',
		enterSends: true,
		notifyAbout: 'important',
		notificationPrivacy: 'sender',
		notificationSounds: 'all',
		urgentRepeatMinutes: 2,
		lockAfterSeconds: 600,
		closeToTray: true,
		toldAboutTray: false,
		autostart: false,
		protectFromCapture: false,
		lastServer: '',
		lastUsername: '',
		connection: DEFAULT_CONNECTION
	});
	/** What the organisation has decided for this computer. */
	policy = $state.raw<PolicyView>({ managed: [], problems: [], mayExport: true });
	trouble = $state<ErrorCode | null>(null);
	readonly rooms = new SvelteMap<RoomId, RoomView>();
	readonly typing = new SvelteMap<RoomId, TypingPerson[]>();
	/** How people can be reached; who is not in it is not known about. */
	readonly presence = new SvelteMap<UserId, PresenceStatus>();
	/** The open room's rows. */
	timeline = $state.raw<Timeline | null>(null);
	/** What the open room was opened with. */
	opened = $state.raw<OpenedRoom | null>(null);
	/** A room, or a message in it, that someone asked for from outside the page, until it is shown. */
	requested = $state.raw<{ roomId: RoomId; messageId?: MessageId } | null>(null);

	/** A server that a link names, until the person has said whether it is theirs. */
	offeredServer = $state<string | null>(null);
	/** The one they took, until it stands in the form. */
	chosenServer = $state<string | null>(null);

	/** Keeps what is being written; set by whoever holds it. */
	settle: (() => Promise<void>) | null = null;

	/** Where a room that is about to be opened should be shown. */
	#wanted: { roomId: RoomId; place: Place | { kind: 'seq'; seq: Seq } } | null = null;
	#revision = 0;
	#openings = 0;
	#resubscribing = false;
	/** Changes to the rooms being opened that overtake the answer: the answer may be older than they are. */
	#overtaking: ViewChange[] | null = null;

	constructor(backend: Backend) {
		this.backend = backend;
		this.handover = new Handover(backend);
		this.files = new WaitingFiles(backend);
		this.held = new Held(backend, this.handover, this.files);
		this.outbox = new Outbox(backend);
		this.templates = new Templates(backend);
	}

	/** Pinned ones first, then the newest message first; rooms without one last, by name. */
	roomList = $derived.by(() =>
		[...this.rooms.values()].sort((a, b) => {
			if (a.choices.pinned !== b.choices.pinned) return a.choices.pinned ? -1 : 1;
			const [left, right] = [a.lastMessage?.createdAt ?? '', b.lastMessage?.createdAt ?? ''];
			return left === right ? a.name.localeCompare(b.name, 'ja') : left < right ? 1 : -1;
		})
	);
	/** As the tray counts: of a room of which the person wants to hear nothing, what is urgent. */
	unread = $derived(
		this.roomList.reduce((sum, room) => sum + (room.choices.notify === 'none' ? room.unreadUrgent : room.unread), 0)
	);
	unsent = $derived(this.roomList.reduce((sum, room) => sum + room.unsent, 0));

	/** Asks for the state and follows its changes. */
	async start(): Promise<void> {
		// Changes that overtake the snapshot wait for it.
		const early: ChannelItem[] = [];
		let arrived = false;
		const snapshot = await this.backend.subscribe((item) => {
			if (arrived) this.#take(item);
			else early.push(item);
		});
		this.handover.belongTo(snapshot.session);
		await this.handover.resume();
		this.#adopt(snapshot);
		arrived = true;
		for (const item of early) this.#take(item);
	}

	async openRoom(roomId: RoomId): Promise<void> {
		const opening = ++this.#openings;
		const overtaking: ViewChange[] = [];
		this.#overtaking = overtaking;
		const opened = await this.#openAtUnread(roomId);
		// Another room was chosen meanwhile.
		if (opening !== this.#openings) return;
		this.#overtaking = null;
		this.timeline = new Timeline(this.backend, opened);
		this.opened = opened;
		this.typing.set(roomId, opened.typing);
		this.rooms.set(roomId, opened.room);
		for (const change of overtaking) this.#apply(change);
		const wanted = this.#wanted;
		this.#wanted = null;
		if (wanted?.roomId === roomId) await this.timeline?.jump(wanted.place);
	}

	/** Shows a place in a room: at once if the room is open, else when it is opened next. */
	jumpTo(roomId: RoomId, place: Place | { kind: 'seq'; seq: Seq }) {
		if (this.timeline?.roomId === roomId) void this.timeline.jump(place);
		else this.#wanted = { roomId, place };
	}

	/** A room is opened where its reader stopped, also where that is further up than its newest rows reach. */
	async #openAtUnread(roomId: RoomId): Promise<OpenedRoom> {
		const opened = await this.backend.openRoom(roomId);
		const { room, page } = opened;
		const first = page.messages.find((row) => row.seq !== undefined)?.seq ?? 0;
		if (room.unread === 0 || !page.hasEarlier || first <= room.readSeq + 1) return opened;
		try {
			const around = await this.backend.loadAround(roomId, room.readSeq + 1);
			return { ...opened, page: isMissing(around) ? { ...page, incomplete: around.incomplete } : around };
		} catch {
			// What is here is shown; the rest comes when it can.
			return opened;
		}
	}

	/** Whether what is said in this room is held back for a moment: a patient reads there, and others may take it for the ward. */
	guarded(roomId: RoomId): boolean {
		return this.rooms.get(roomId)?.kind === 'patient' && this.session?.user.userType !== 'patient';
	}

	/** Says what a message says in another room too, with its files. */
	async forward({ roomId, content, attachments }: MessageView, to: RoomId): Promise<void> {
		const copies = await this.files.copy(roomId, attachments, to);
		const message: OutgoingMessage = {
			roomId: to,
			clientMessageId: uuidv7(),
			content,
			keepsDraft: true,
			...(copies.length > 0 && { attachments: copies })
		};
		try {
			if (this.guarded(to)) {
				this.held.hold(message, this.held.draftBeside(to) ?? (await this.backend.openRoom(to)).draft);
				await this.held.save(to);
				return;
			}
			await this.handover.send(message);
			this.files.gone(copies);
		} catch (failure) {
			await this.files.drop(copies);
			throw failure;
		}
	}

	/** Locks the app. What is being written is kept first. */
	async lockNow(): Promise<void> {
		await this.settle?.();
		await this.backend.lock();
	}

	closeRoom() {
		this.#openings++;
		this.#overtaking = null;
		this.timeline = null;
		this.opened = null;
	}

	/** Whether a setting is the organisation's. */
	isManaged(setting: PolicyKey): boolean {
		return this.policy.managed.includes(setting);
	}

	async setPreferences(changed: Partial<Preferences>): Promise<void> {
		await this.backend.setPreferences(changed);
	}

	#adopt(snapshot: Snapshot) {
		this.#revision = snapshot.revision;
		this.session = snapshot.session;
		this.lock = snapshot.lock;
		this.connection = snapshot.connection;
		this.preferences = snapshot.preferences;
		this.policy = snapshot.policy;
		this.trouble = snapshot.trouble;
		this.rooms.clear();
		for (const room of snapshot.rooms) this.rooms.set(room.id, room);
		this.typing.clear();
		this.#setPresence(snapshot.presence);
		this.outbox.expect(this.unsent);
		this.ready = true;
	}

	#setPresence(presence: PresenceView[]) {
		this.presence.clear();
		for (const { userId, status } of presence) this.presence.set(userId, status);
	}

	#take(item: ChannelItem) {
		if (item.kind === 'lagged') {
			void this.#resubscribe();
			return;
		}
		for (const event of item.events) {
			if (event.revision <= this.#revision) continue;
			if (event.revision > this.#revision + 1) {
				void this.#resubscribe();
				return;
			}
			this.#revision = event.revision;
			this.#apply(event.change);
		}
	}

	/** Starts over from a new snapshot. Until there is one the screen is out of date, so this does not give up. */
	async #resubscribe(): Promise<void> {
		if (this.#resubscribing) return;
		this.#resubscribing = true;
		try {
			await this.start();
			const roomId = this.timeline?.roomId;
			if (roomId && this.rooms.has(roomId)) await this.openRoom(roomId);
			this.#resubscribing = false;
		} catch {
			setTimeout(() => {
				this.#resubscribing = false;
				void this.#resubscribe();
			}, RETRY_MS);
		}
	}

	#apply(change: ViewChange) {
		if (change.kind !== 'timelineReset') this.#overtaking?.push(change);
		switch (change.kind) {
			case 'sessionChanged':
				this.session = change.session;
				this.ended = change.ended;
				this.handover.belongTo(change.session);
				if (!change.session) {
					this.rooms.clear();
					this.typing.clear();
					this.presence.clear();
					this.held.clear();
					this.files.clear();
					this.templates.clear();
					this.outbox.clear();
					this.closeRoom();
				}
				break;
			case 'lockChanged':
				this.lock = change.lock;
				break;
			case 'connectionChanged':
				this.connection = change.connection;
				break;
			case 'roomUpserted':
				this.rooms.set(change.room.id, change.room);
				this.outbox.expect(this.unsent);
				break;
			case 'roomRemoved':
				this.rooms.delete(change.roomId);
				this.outbox.expect(this.unsent);
				if (this.timeline?.roomId === change.roomId) this.closeRoom();
				break;
			case 'messagesUpserted':
				if (this.timeline?.roomId === change.roomId) this.timeline.upsert(change.messages);
				this.outbox.upsert(change.messages);
				break;
			case 'messageRemoved':
				if (this.timeline?.roomId === change.roomId) this.timeline.remove(change.key);
				this.outbox.remove(change.key);
				break;
			case 'attachmentChanged':
				if (this.timeline?.roomId === change.roomId) this.timeline.showFile(change.attachment);
				break;
			case 'timelineReset':
				if (this.timeline?.roomId === change.roomId) this.openRoom(change.roomId).catch(() => void this.#resubscribe());
				break;
			case 'typingChanged':
				this.typing.set(change.roomId, change.typing);
				break;
			case 'presenceChanged':
				this.#setPresence(change.presence);
				break;
			case 'preferencesChanged':
				this.preferences = change.preferences;
				break;
			case 'troubleChanged':
				this.trouble = change.trouble;
				break;
			case 'serverOffered':
				this.offeredServer = change.server;
				break;
			case 'roomRequested':
				this.requested = { roomId: change.roomId, messageId: change.messageId };
				break;
			default:
				// A newer core may say more; what it says is not wrong for being unknown.
				change satisfies never;
		}
	}
}
