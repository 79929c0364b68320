/** The link, and what waits for it. */
import type { Texts } from '../ja';

export const connection: Pick<Texts, 'connection' | 'waiting' | 'connectionSettings'> = {
	connection: {
		idle: 'Not connected',
		connecting: 'Connecting…',
		catchingUp: 'Catching up…',
		live: 'Connected',
		offlineShort: 'Offline',
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
	}
};
