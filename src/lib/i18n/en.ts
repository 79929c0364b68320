import type { Texts } from './ja';

/** English, saying what `ja.ts` says. */
export const en: Texts = {
	productName: 'HugMeDo Chat',
	signIn: {
		title: 'Sign in',
		lead: 'The chat that connects care teams and patients',
		server: 'Server address',
		serverHint: 'For example chat.hospital.example.jp, as given by your administrator',
		byPassword: 'Password',
		byToken: 'Access token',
		method: 'How to sign in',
		username: 'User name',
		password: 'Password',
		show: 'Show',
		hide: 'Hide',
		token: 'Access token',
		userId: 'User ID (only if asked for)',
		remember: 'Stay signed in on this computer',
		rememberHint: 'Without this, neither history nor sign-in stay on this computer. Clear it on shared workstations.',
		submit: 'Sign in',
		busy: 'Signing in…',
		acceptInsecure: 'Continue although the connection is not encrypted',
		withoutRemembering: 'Continue without remembering',
		ended: {
			signed_out: 'You have signed out.',
			expired: 'Your session has expired. Please sign in again; messages waiting to be sent are kept.',
			revoked: 'The server has ended this session. Please sign in again; messages waiting to be sent are kept.',
			replaced: 'Another session has taken over. Please sign in again.',
			unknown: 'The session has ended. Please sign in again.'
		}
	},
	rooms: {
		title: 'Rooms',
		filter: 'Filter rooms',
		noMatch: 'No room matches',
		none: 'You are not in any room yet',
		noneHint: 'Rooms appear here once an administrator adds you.',
		choose: 'Choose a room',
		chooseHint: 'Open a conversation from the list on the left.',
		unread: (count) => `${count} unread`,
		unsent: (count) => `${count} not sent`,
		failed: (count) => (count === 1 ? '1 message could not be sent' : `${count} messages could not be sent`),
		draft: 'Draft',
		noMessages: 'No messages yet',
		you: 'You',
		deleted: 'Message withdrawn',
		add: 'Add room',
		addId: 'Room ID',
		addSubmit: 'Add',
		cancel: 'Cancel',
		kind: { patient: 'Room with a patient', staff: 'Staff', announcement: 'Announcements' },
		kindShort: { patient: 'Patient', staff: 'Staff', announcement: 'News' },
		members: (count) => (count === 1 ? '1 member' : `${count} members`),
		patientReads: 'A patient reads this room'
	},
	timeline: {
		label: (room) => `Messages in ${room}`,
		empty: 'No messages yet. Write the first one.',
		newMessages: 'New messages from here',
		jumpToLatest: 'Jump to latest',
		newBelow: (count) => `${count} new`,
		loadingEarlier: 'Loading earlier messages…',
		beginning: 'This is where the conversation begins',
		incomplete: 'Earlier messages could not be loaded.',
		tryAgain: 'Try again',
		edited: 'edited',
		deleted: 'This message was withdrawn',
		urgent: 'Urgent',
		showMore: 'Show all',
		showLess: 'Show less',
		retry: 'Send again',
		discard: 'Discard',
		opening: 'Opening…',
		typing: (names) => (names.length === 1 ? `${names[0]} is typing…` : `${names.join(', ')} are typing…`),
		delivery: {
			failed: 'Not sent',
			queued: 'Waiting to send',
			sending: 'Sending',
			sent: 'Sent',
			delivered: 'Delivered',
			read: 'Read'
		},
		readBy: (count) => `Read by ${count}`,
		userType: { clinician: 'Clinician', patient: 'Patient', staff: 'Staff', unknown: '' }
	},
	composer: {
		label: 'Message',
		placeholder: (room) => `Message to ${room}`,
		send: 'Send',
		enterSends: 'Enter to send, Shift+Enter for a new line',
		ctrlEnterSends: 'Ctrl+Enter to send, Enter for a new line',
		remaining: (count) => `${count.toLocaleString('en')} characters left`,
		tooLong: (over) =>
			`${over.toLocaleString('en')} characters too many. Shorten it or send it in parts; your text is kept.`
	},
	connection: {
		idle: 'Not connected',
		connecting: 'Connecting…',
		catchingUp: 'Catching up…',
		live: 'Connected',
		offline: (since) => `Offline since ${since}`,
		authRequired: 'Please sign in again',
		retryIn: (seconds) => `Trying again in ${seconds} s.`,
		retryNow: 'Connect now',
		lastConfirmed: (time) => `last confirmed ${time}`,
		waits: 'Messages are kept and go out by themselves once connected.',
		stopped: 'Reconnecting has stopped.',
		stoppedHint: 'It was tried as often as the settings allow. Press “Connect now” to try again.',
		limited: 'Limited connection',
		limitedMeans: 'Messages are sent and received, but typing is not shown.',
		dismiss: 'Dismiss',
		baseline: 'This server offers no delivery and read receipts and no earlier history.',
		fetchingNew: 'Fetching new messages',
		fetchingHistory: 'Fetching earlier history',
		fetched: (fetched, total) =>
			total === undefined
				? `${fetched.toLocaleString('en')} fetched`
				: `${fetched.toLocaleString('en')} / ${total.toLocaleString('en')}`
	},
	waiting: {
		title: 'Messages waiting to send',
		entry: (count) => `${count.toLocaleString('en')} waiting to send`,
		entryFailed: (count) => `${count.toLocaleString('en')} of them could not be sent`,
		lead: 'Messages that wait are kept on this computer.',
		leadFailed: 'Messages that could not be sent stay until you send them again or delete them.',
		list: 'List of messages waiting to send',
		close: 'Close',
		none: 'No messages are waiting',
		noneHint: 'Everything has been sent.',
		written: (when) => `Written ${when}`,
		state: { failed: 'Not sent', queued: 'Waiting', sending: 'Sending' },
		why: {
			sending: 'Being sent now…',
			offline: (since) => `Offline since ${since}. It goes out by itself once connected.`,
			stopped: (since) => `Offline since ${since}, and reconnecting has stopped. Press “Connect now”.`,
			connecting: 'Connecting. It goes out by itself once connected.',
			signIn: 'It goes out by itself once you have signed in again.',
			asked: 'The server asked to wait. It goes out by itself in a while.',
			soon: 'It goes out by itself in a moment.',
			unconfirmed: 'It may or may not have arrived. If it has, sending it again shows it twice.'
		},
		retry: 'Send again',
		retryAll: (count) => `Send all ${count.toLocaleString('en')} failed again`,
		remove: 'Delete',
		removeConfirm: 'Delete it without sending?',
		removeYes: 'Delete it',
		removeNo: 'Keep it',
		removed: 'Deleted',
		tooLate: 'It was already being sent and could not be deleted.',
		open: 'Open in room',
		actionFor: (action, room, text) => `${action}: ${room}, “${text}”`,
		incomplete: 'The messages that wait could not be loaded.'
	},
	settings: {
		title: 'Settings',
		back: 'Back',
		language: 'Language',
		theme: 'Appearance',
		themes: { system: 'Follow the system', light: 'Light', dark: 'Dark' },
		enter: 'Send key',
		enterSends: 'Enter sends (Shift+Enter for a new line)',
		ctrlEnterSends: 'Ctrl+Enter sends (Enter for a new line)',
		notifyAbout: 'Notify me about',
		notify: {
			all: 'Everything',
			important: 'Rooms with patients, mentions, urgent messages',
			urgent: 'Urgent messages only'
		},
		notifyHint: 'Messages that do not notify still count as unread.',
		privacy: 'Notifications show',
		privacies: {
			nothing: 'Only that there is a new message',
			sender: 'The sender (never a patient’s name)',
			content: 'The sender and the text'
		},
		privacyHint: 'Others can see your screen. Show the text only where you are alone.',
		account: 'Account',
		signedInAs: (name, server) => `${name} (${server})`,
		signOut: 'Sign out',
		signOutConfirm: 'Sign out?',
		signOutExplained: 'History and drafts are removed from this computer. The server’s records stay.',
		unsentLost: (count) =>
			count === 1
				? 'One message that has not been sent will be lost.'
				: `${count} messages that have not been sent will be lost.`,
		cancel: 'Cancel',
		saved: 'Saved'
	},
	connectionSettings: {
		title: 'Connection settings',
		lead: 'Usually nothing here needs changing. Use it when your network administrator asks you to.',
		inUse: 'changed',
		proxy: 'Proxy server',
		proxyHint: 'For example http://proxy.hospital.example.jp:8080; empty for none',
		caFile: 'Certificate file of your organisation’s authority (PEM)',
		caFileHint: 'Where the file is on this computer; empty for none',
		reconnection: 'Reconnecting',
		reconnectionAttempts: 'Attempts to reconnect',
		reconnectionAttemptsHint: '0 = never give up',
		reconnectionDelayMs: 'First wait (seconds)',
		reconnectionDelayMaxMs: 'Longest wait (seconds)',
		timeoutMs: 'Time limit for connecting (seconds)',
		range: (least, most) => `Enter a number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}.`,
		belowDelay: 'It cannot be less than the first wait.',
		save: 'Save',
		saving: 'Saving…',
		saved: 'Saved. It is used from the next connection on.',
		savedConnected: 'Saved. The app is connecting again with it.',
		unchanged: 'Nothing has changed.',
		notSaved: 'Not saved yet',
		reset: 'Reset to defaults'
	},
	dates: {
		today: 'Today',
		yesterday: 'Yesterday'
	},
	errors: {
		invalidAddress: 'This is not a server address. Enter it like chat.hospital.example.jp.',
		addressHasPath: 'Enter only the server’s name, without anything after a slash.',
		insecureAddress:
			'This connection would not be encrypted. Ask your administrator for an address that begins with https://.',
		unreachable: 'The server cannot be reached. Check the address and your network, then try again.',
		timeout: 'The server does not answer. Wait a moment, then try again.',
		untrustedCertificate: 'The server’s certificate cannot be trusted. Do not connect; tell your administrator.',
		notAChatServer: 'This does not seem to be a HugMeDo Chat server. Check the address.',
		unauthorized: 'The user name, password or token is not right. Check it and enter it again.',
		otpRequired: 'This account needs a second factor. Please contact your administrator.',
		sessionExpired: 'Your sign-in has expired. Please sign in again.',
		userIdRequired: 'This token does not say whose it is. Enter your user ID too.',
		forbidden: 'This is not allowed here. You may no longer be a member of the room; ask your administrator.',
		notFound: 'It cannot be found. You may have left the room, or it was removed.',
		tooLong: 'The message is too long. Shorten it or send it in parts.',
		empty: 'Enter something first.',
		webSocketBlocked:
			'WebSockets are blocked here, so HTTPS is used. The app changes back by itself once it can. If it goes on, ask your network administrator.',
		proxyInUse:
			'A proxy is set, so HTTPS is used. If it is no longer needed, clear it under “Connection settings” in the settings.',
		invalidProxy:
			'This proxy address cannot be used. Enter it like http://proxy.example.jp:8080, without a user name or password.',
		invalidCaFile:
			'The certificate file cannot be read. Check where it is and that it is a PEM file, then enter it again.',
		rateLimited: 'That was too often. Wait a moment, then try again.',
		serverUnavailable: 'The server cannot answer just now. The app tries again by itself.',
		refused: 'The server did not accept it. Check it, or contact your administrator.',
		notSignedIn: 'You are not signed in. Please sign in.',
		diskFull: 'This computer’s disk is full. Free some space; what you wrote is still on screen.',
		storeFailed:
			'Nothing can be stored on this computer. Check space and permissions; if it goes on, tell your administrator.',
		storeTooNew: 'The stored data is from a newer version of the app. Please update; the data is untouched.',
		storeUnreadable:
			'The stored data could not be opened and was set aside. The history is fetched from the server again.',
		keychainMissing:
			'This computer’s keychain cannot be used, so the sign-in cannot be kept. Choose “Continue without remembering”, or contact your administrator.',
		keychainLocked: 'The keychain is locked. Unlock it, then restart the app or sign in again.',
		internal: 'Something went wrong in the app. Try again; if it goes on, restart the app.'
	}
};
