/**
 * The complete surface through which the interface reaches its host.
 *
 * Nothing outside this folder knows Tauri. Two implementations exist: `tauri.ts` for the real window and `fake.ts`, complete,
 * for tests and for work on the interface in a plain browser. Each method is one command of the shell with the same name in
 * snake_case; a test holds the lists together. Every command is idempotent, because a webview that reloads may send one twice.
 */
import type { AboutView } from './bindings/AboutView';
import type { AttachmentView } from './bindings/AttachmentView';
import type { ChannelItem } from './bindings/ChannelItem';
import type { ClientMessageId } from './bindings/ClientMessageId';
import type { DeviceView } from './bindings/DeviceView';
import type { Draft } from './bindings/Draft';
import type { DragView } from './bindings/DragView';
import type { EditText } from './bindings/EditText';
import type { ErrorCode } from './bindings/ErrorCode';
import type { Gaze } from './bindings/Gaze';
import type { MessageDetails } from './bindings/MessageDetails';
import type { MessageId } from './bindings/MessageId';
import type { MessageView } from './bindings/MessageView';
import type { NewAttachment } from './bindings/NewAttachment';
import type { NewRoom } from './bindings/NewRoom';
import type { NotificationTest } from './bindings/NotificationTest';
import type { OpenedRoom } from './bindings/OpenedRoom';
import type { OutgoingMessage } from './bindings/OutgoingMessage';
import type { PictureSize } from './bindings/PictureSize';
import type { Place } from './bindings/Place';
import type { Preferences } from './bindings/Preferences';
import type { PresenceStatus } from './bindings/PresenceStatus';
import type { RoomChoices } from './bindings/RoomChoices';
import type { RoomId } from './bindings/RoomId';
import type { RoomView } from './bindings/RoomView';
import type { SearchPage } from './bindings/SearchPage';
import type { SearchQuery } from './bindings/SearchQuery';
import type { SecondFactorOffer } from './bindings/SecondFactorOffer';
import type { SecondFactorProof } from './bindings/SecondFactorProof';
import type { SecondFactorView } from './bindings/SecondFactorView';
import type { Seq } from './bindings/Seq';
import type { ServerCheck } from './bindings/ServerCheck';
import type { SessionView } from './bindings/SessionView';
import type { SignInRequest } from './bindings/SignInRequest';
import type { Snapshot } from './bindings/Snapshot';
import type { Template } from './bindings/Template';
import type { TimelinePage } from './bindings/TimelinePage';
import type { UpdateView } from './bindings/UpdateView';
import type { User } from './bindings/User';

export interface Backend {
	/** Answers the present state and from then on passes every later change to `onItem`. A second call replaces the first. */
	subscribe(onItem: (item: ChannelItem) => void): Promise<Snapshot>;

	/** Whether a chat server answers at an address, as typed. Refused with what is in the way, if none does. */
	checkServer(server: string, allowInsecure: boolean): Promise<ServerCheck>;
	signIn(request: SignInRequest): Promise<SessionView>;
	/** Ends the session and removes its history from this computer. */
	signOut(): Promise<void>;

	/** How it stands with the second factor of whoever is signed in. Needs the connection. */
	secondFactor(): Promise<SecondFactorView>;
	/**
	 * Asks for what goes into an authenticator; in use only once confirmed. Refused with `unauthorized` for a wrong password, and with
	 * `otpRequired` where one is in use and its code is missing or wrong. None of these needs anyone to be signed in.
	 */
	offerSecondFactor(proof: SecondFactorProof): Promise<SecondFactorOffer>;
	/** Puts what was offered into use by a code of it. Answers the recovery codes, which are never seen again. */
	confirmSecondFactor(proof: SecondFactorProof): Promise<string[]>;
	removeSecondFactor(proof: SecondFactorProof): Promise<void>;
	/** Where the person has signed in within the last hundred days. Needs the connection. */
	listDevices(): Promise<DeviceView[]>;
	/** Signs the person out on one of them, which removes what it has stored as soon as it is heard of. */
	revokeDevice(device: string): Promise<void>;

	/** Closes the account until its person is back; what comes in is still counted. The page that asks is loaded anew. */
	lock(): Promise<void>;
	/** Opens it again. Refused with `wrongPin`, with `rateLimited` before its time, or with `pinUsedUp`: then signing in unlocks. */
	unlock(pin: string): Promise<SessionView>;
	/** Whether a PIN is chosen. */
	hasPin(): Promise<boolean>;
	/** Chooses the PIN that unlocks; refused with `invalidPin` if it has fewer than 4 or more than 64 characters. */
	setPin(pin: string): Promise<void>;
	removePin(): Promise<void>;

	/** Shows a room: its newest rows, its draft, who is writing. Reads nothing: see `markRead`. */
	openRoom(roomId: RoomId): Promise<OpenedRoom>;
	/** The rows before `before`, fetched from the server where they are not here. */
	loadEarlier(roomId: RoomId, before: Seq): Promise<TimelinePage>;
	/** The rows after `after`, of a timeline that does not end with the newest (`TimelinePage.hasLater`). */
	loadLater(roomId: RoomId, after: Seq): Promise<TimelinePage>;
	/** A stretch with `at` in its middle, for a jump. */
	loadAround(roomId: RoomId, at: Seq): Promise<TimelinePage>;
	/** Where a message or a time stands in a room, for `loadAround`; null if there is no such place. */
	locate(roomId: RoomId, place: Place): Promise<Seq | null>;
	/** What is on this computer and matches, the newest first. */
	search(query: SearchQuery): Promise<SearchPage>;
	messageDetails(roomId: RoomId, messageId: MessageId): Promise<MessageDetails>;
	/** Follows a room by its id on a server that cannot list rooms (baseline). */
	addRoom(roomId: RoomId): Promise<RoomView>;

	/** Resolves once the message is durable on this computer; it goes out by itself. */
	sendMessage(message: OutgoingMessage): Promise<MessageView>;
	/** Puts a failed message back into the queue. */
	retryMessage(clientMessageId: ClientMessageId): Promise<void>;
	/** Removes a message that has not been sent. */
	discardMessage(clientMessageId: ClientMessageId): Promise<void>;
	/** Every own message of all rooms that has not reached the server, in the order they go out; failed ones included. */
	unsentMessages(): Promise<MessageView[]>;

	/** Resolves once the server has the change; refused while there is no connection. */
	editMessage(roomId: RoomId, messageId: MessageId, content: string): Promise<void>;
	/** Takes an own message back, for everyone. As `editMessage`. */
	deleteMessage(roomId: RoomId, messageId: MessageId): Promise<void>;
	/** Puts the reader's emoji under a message (`on`) or takes it away. As `editMessage`. */
	reactToMessage(roomId: RoomId, messageId: MessageId, emoji: string, on: boolean): Promise<void>;
	/** Takes an urgent message on, which is more than having read it. As `editMessage`. */
	acknowledgeMessage(roomId: RoomId, messageId: MessageId): Promise<void>;

	/**
	 * Announces a file for the composer of a room, and then hands it over piece by piece: it is kept encrypted on this computer and
	 * goes to the server with the message that names it. `bytes` is base64 of at most 512 KiB from `offset` on; a piece that was
	 * handed over before changes nothing. Refused for good with `empty`, `tooLarge` or, once whole, `unsupportedType`.
	 */
	addAttachment(file: NewAttachment): Promise<AttachmentView>;
	addAttachmentBytes(id: string, offset: number, bytes: string): Promise<AttachmentView>;
	/** Takes a file that waits in a composer away. */
	removeAttachment(id: string): Promise<void>;
	/** Brings a file to this computer, resumed where an earlier call ended; `AttachmentChanged` tells how far it is. */
	fetchAttachment(roomId: RoomId, id: string): Promise<AttachmentView>;
	/** Puts a copy of a file into the composer of another room, brought to this computer first where necessary. */
	copyAttachment(roomId: RoomId, id: string, toRoomId: RoomId, copyId: string): Promise<AttachmentView>;
	/** The bytes of a picture, brought to this computer first where necessary. */
	attachmentPicture(roomId: RoomId, id: string, size: PictureSize): Promise<ArrayBuffer>;
	/** The PNG on the system's clipboard, where a paste does not bring it; no bytes if there is none. */
	pastedPicture(): Promise<ArrayBuffer>;
	/** Tells of files that are dragged over the window, where its engine keeps them from the page. Replaces an earlier listener. */
	watchDrags(onDrag: (drag: DragView) => void): Promise<void>;
	/** At most 512 KiB of a dropped file from `offset` on. */
	droppedBytes(id: number, offset: number): Promise<ArrayBuffer>;
	/** Asks the person where to, and saves a copy of the file there. False if they chose no place. */
	saveAttachment(roomId: RoomId, id: string): Promise<boolean>;

	/** Pins a room, or chooses which of its messages notify, on this computer. */
	setRoomChoices(roomId: RoomId, choices: RoomChoices): Promise<void>;
	/** Everyone the server lets the reader begin a conversation with. Needs the connection. */
	listPeople(): Promise<User[]>;
	/** Begins a conversation and answers its room. Needs the connection. */
	createRoom(room: NewRoom): Promise<RoomView>;
	/** How the person wants to be seen by those they share a room with. Needs the connection. */
	setStatus(status: PresenceStatus): Promise<void>;
	/** The person's own texts, in their order. */
	listTemplates(): Promise<Template[]>;
	/** Replaces all of them. */
	saveTemplates(templates: Template[]): Promise<void>;
	/** Shows an `https:`, `http:` or `mailto:` address of a message in the system's own program for it. Anything else is refused. */
	openLink(url: string): Promise<void>;

	/** Everything up to `upToSeq` was on screen before the person's eyes. */
	markRead(roomId: RoomId, upToSeq: Seq): Promise<void>;
	/** Counts what stands from there on as unread again, on this computer alone, until it is read once more. */
	markUnread(roomId: RoomId, fromSeq: Seq): Promise<void>;
	setTyping(roomId: RoomId, isTyping: boolean): Promise<void>;
	saveDraft(roomId: RoomId, draft: Draft): Promise<void>;
	/** Keeps another wording of an own message that was begun; `null` once it was sent or given up. */
	saveEdit(roomId: RoomId, edit: EditText | null): Promise<void>;
	/** What the person is looking at; decides whether a new message needs a notification. */
	setGaze(gaze: Gaze): Promise<void>;

	/** Raises a notification as messages do, and tells what the system did with it. */
	testNotification(): Promise<NotificationTest>;
	/** What the app stands on, in versions, and what the server speaks. */
	about(): Promise<AboutView>;
	/** How the app is set and how it is doing, in English, without names, texts and secrets. */
	diagnostics(): Promise<string>;
	/** Asks the person where to, and saves the text there. False if they chose no place. */
	saveDiagnostics(text: string): Promise<boolean>;
	/** Asks the person where to, and saves there what was said in a room; refused where the organisation does not allow it. */
	saveConversation(roomId: RoomId): Promise<boolean>;

	/** Changes those of the choices that are named; `undefined` is the default. */
	setPreferences(changed: Partial<Preferences>): Promise<void>;
	/** Tries to connect now instead of at the announced time. */
	reconnectNow(): Promise<void>;

	/** What is known of newer versions of the app. */
	updateState(): Promise<UpdateView>;
	/** Looks for one, and fetches and checks it. */
	lookForUpdate(): Promise<UpdateView>;
	/** Puts it in place and starts the app anew; refused while an urgent message waits for an answer. */
	beginNewer(): Promise<void>;
	/** Removes every account, the sign-in and the choices from this computer, and ends the app. */
	removeEverything(): Promise<void>;
}

/** A refused or failed command. `code` is for branching; `message` is for logs and holds no patient text. */
export class BackendError extends Error {
	constructor(
		readonly code: ErrorCode,
		message: string,
		readonly retryable: boolean
	) {
		super(message);
		this.name = 'BackendError';
	}
}
