/** The real window: every method is one command of the shell. */
import { Channel, invoke } from '@tauri-apps/api/core';
import { BackendError, type Backend } from './backend';
import type { ChannelItem } from './bindings/ChannelItem';
import type { DragView } from './bindings/DragView';
import type { ErrorCode } from './bindings/ErrorCode';

/** JSON has no `undefined`. */
const withNulls = (changed: object) =>
	Object.fromEntries(Object.entries(changed).map(([name, value]) => [name, value ?? null]));

export function createTauriBackend(): Backend {
	return {
		subscribe(onItem) {
			const channel = new Channel<ChannelItem>();
			channel.onmessage = onItem;
			return call('subscribe', { onItem: channel });
		},
		checkServer: (server, allowInsecure) => call('check_server', { server, allowInsecure }),
		signIn: (request) => call('sign_in', { request }),
		signOut: () => call('sign_out'),
		secondFactor: () => call('second_factor'),
		offerSecondFactor: (proof) => call('offer_second_factor', { proof }),
		confirmSecondFactor: (proof) => call('confirm_second_factor', { proof }),
		removeSecondFactor: (proof) => call('remove_second_factor', { proof }),
		listDevices: () => call('list_devices'),
		revokeDevice: (device) => call('revoke_device', { device }),
		lock: () => call('lock'),
		unlock: (pin) => call('unlock', { pin }),
		hasPin: () => call('has_pin'),
		setPin: (pin) => call('set_pin', { pin }),
		removePin: () => call('remove_pin'),
		openRoom: (roomId) => call('open_room', { roomId }),
		loadEarlier: (roomId, before) => call('load_earlier', { roomId, before }),
		loadLater: (roomId, after) => call('load_later', { roomId, after }),
		loadAround: (roomId, at) => call('load_around', { roomId, at }),
		locate: (roomId, place) => call('locate', { roomId, place }),
		search: (query) => call('search', { query }),
		messageDetails: (roomId, messageId) => call('message_details', { roomId, messageId }),
		addRoom: (roomId) => call('add_room', { roomId }),
		sendMessage: (message) => call('send_message', { message }),
		retryMessage: (clientMessageId) => call('retry_message', { clientMessageId }),
		discardMessage: (clientMessageId) => call('discard_message', { clientMessageId }),
		unsentMessages: () => call('unsent_messages'),
		editMessage: (roomId, messageId, content) => call('edit_message', { roomId, messageId, content }),
		deleteMessage: (roomId, messageId) => call('delete_message', { roomId, messageId }),
		reactToMessage: (roomId, messageId, emoji, on) => call('react_to_message', { roomId, messageId, emoji, on }),
		acknowledgeMessage: (roomId, messageId) => call('acknowledge_message', { roomId, messageId }),
		addAttachment: (file) => call('add_attachment', { file }),
		addAttachmentBytes: (id, offset, bytes) => call('add_attachment_bytes', { id, offset, bytes }),
		removeAttachment: (id) => call('remove_attachment', { id }),
		fetchAttachment: (roomId, id) => call('fetch_attachment', { roomId, id }),
		copyAttachment: (roomId, id, toRoomId, copyId) => call('copy_attachment', { roomId, id, toRoomId, copyId }),
		attachmentPicture: (roomId, id, size) => call('attachment_picture', { roomId, id, size }),
		pastedPicture: () => call('pasted_picture'),
		watchDrags(onDrag) {
			const channel = new Channel<DragView>();
			channel.onmessage = onDrag;
			return call('watch_drags', { onDrag: channel });
		},
		droppedBytes: (id, offset) => call('dropped_bytes', { id, offset }),
		saveAttachment: (roomId, id) => call('save_attachment', { roomId, id }),
		setRoomChoices: (roomId, choices) => call('set_room_choices', { roomId, choices }),
		listPeople: () => call('list_people'),
		createRoom: (room) => call('create_room', { room }),
		openLink: (url) => call('open_link', { url }),
		markRead: (roomId, upToSeq) => call('mark_read', { roomId, upToSeq }),
		markUnread: (roomId, fromSeq) => call('mark_unread', { roomId, fromSeq }),
		setTyping: (roomId, isTyping) => call('set_typing', { roomId, isTyping }),
		saveDraft: (roomId, draft) => call('save_draft', { roomId, draft }),
		saveEdit: (roomId, edit) => call('save_edit', { roomId, edit }),
		listTemplates: () => call('list_templates'),
		saveTemplates: (templates) => call('save_templates', { templates }),
		setGaze: (gaze) => call('set_gaze', { gaze }),
		setStatus: (status) => call('set_status', { status }),
		testNotification: () => call('test_notification'),
		about: () => call('about'),
		diagnostics: () => call('diagnostics'),
		saveConversation: (roomId) => call('save_conversation', { roomId }),
		saveDiagnostics: (text) => call('save_diagnostics', { text }),
		setPreferences: (changed) => call('set_preferences', { changed: withNulls(changed) }),
		reconnectNow: () => call('reconnect_now'),
		updateState: () => call('update_state'),
		lookForUpdate: () => call('look_for_update'),
		beginNewer: () => call('begin_newer'),
		removeEverything: () => call('remove_everything')
	};
}

async function call<T>(command: string, input?: Record<string, unknown>): Promise<T> {
	try {
		return await invoke<T>(command, input);
	} catch (rejection) {
		throw asBackendError(rejection);
	}
}

/** The shell rejects with `{ code, message, retryable }`; Tauri itself (an unlisted command, bad input) with a text. */
function asBackendError(rejection: unknown): BackendError {
	if (typeof rejection === 'object' && rejection !== null && 'code' in rejection) {
		const { code, message, retryable } = rejection as { code: ErrorCode; message?: string; retryable?: boolean };
		return new BackendError(code, message ?? code, retryable ?? false);
	}
	return new BackendError('internal', String(rejection), false);
}
