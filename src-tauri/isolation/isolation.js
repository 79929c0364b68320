// Sees every call of the page before it is encrypted for the shell, from a frame the page cannot reach: only these
// commands pass, only with these arguments. What is refused goes on under a name that no permission allows, so that
// the page gets an error instead of waiting for ever.
const COMMANDS = Object.freeze({
	__proto__: null,
	subscribe: { onItem: 'string' },
	check_server: { server: 'string', allowInsecure: 'boolean' },
	sign_in: { request: 'object' },
	sign_out: {},
	second_factor: {},
	offer_second_factor: { proof: 'object' },
	confirm_second_factor: { proof: 'object' },
	remove_second_factor: { proof: 'object' },
	list_devices: {},
	revoke_device: { device: 'string' },
	lock: {},
	unlock: { pin: 'string' },
	has_pin: {},
	test_notification: {},
	about: {},
	diagnostics: {},
	save_diagnostics: { text: 'string' },
	save_conversation: { roomId: 'string' },
	set_pin: { pin: 'string' },
	remove_pin: {},
	open_room: { roomId: 'string' },
	load_earlier: { roomId: 'string', before: 'number' },
	load_later: { roomId: 'string', after: 'number' },
	load_around: { roomId: 'string', at: 'number' },
	locate: { roomId: 'string', place: 'object' },
	search: { query: 'object' },
	message_details: { roomId: 'string', messageId: 'string' },
	add_room: { roomId: 'string' },
	send_message: { message: 'object' },
	retry_message: { clientMessageId: 'string' },
	discard_message: { clientMessageId: 'string' },
	unsent_messages: {},
	edit_message: { roomId: 'string', messageId: 'string', content: 'string' },
	delete_message: { roomId: 'string', messageId: 'string' },
	react_to_message: { roomId: 'string', messageId: 'string', emoji: 'string', on: 'boolean' },
	acknowledge_message: { roomId: 'string', messageId: 'string' },
	add_attachment: { file: 'object' },
	add_attachment_bytes: { id: 'string', offset: 'number', bytes: 'string' },
	remove_attachment: { id: 'string' },
	fetch_attachment: { roomId: 'string', id: 'string' },
	copy_attachment: { roomId: 'string', id: 'string', toRoomId: 'string', copyId: 'string' },
	attachment_picture: { roomId: 'string', id: 'string', size: 'string' },
	pasted_picture: {},
	watch_drags: { onDrag: 'string' },
	dropped_bytes: { id: 'number', offset: 'number' },
	save_attachment: { roomId: 'string', id: 'string' },
	set_room_choices: { roomId: 'string', choices: 'object' },
	list_people: {},
	create_room: { room: 'object' },
	open_link: { url: 'string' },
	mark_read: { roomId: 'string', upToSeq: 'number' },
	mark_unread: { roomId: 'string', fromSeq: 'number' },
	set_typing: { roomId: 'string', isTyping: 'boolean' },
	save_draft: { roomId: 'string', draft: 'object' },
	save_edit: { roomId: 'string', edit: 'object or null' },
	list_templates: {},
	save_templates: { templates: 'object' },
	set_gaze: { gaze: 'object' },
	set_status: { status: 'string' },
	set_preferences: { changed: 'object' },
	reconnect_now: {},
	update_state: {},
	look_for_update: {},
	begin_newer: {},
	remove_everything: {},
	// Tauri's own: how a page collects what is too large to be pushed into it.
	'plugin:__TAURI_CHANNEL__|fetch': {}
});
const is = (type, value) =>
	type === 'object or null' ? typeof value === 'object' : value !== null && typeof value === type;
const fits = (shape, payload) =>
	Object.keys(payload ?? {}).every((name) => Object.hasOwn(shape, name)) &&
	Object.entries(shape).every(([name, type]) => is(type, payload?.[name]));
window.__TAURI_ISOLATION_HOOK__ = (call) =>
	call.cmd in COMMANDS && fits(COMMANDS[call.cmd], call.payload)
		? call
		: { ...call, cmd: `refused_by_isolation:${call.cmd}`, payload: {} };
