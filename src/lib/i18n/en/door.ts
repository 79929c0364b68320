/** Signing in, and the lock. */
import type { Texts } from '../ja';

export const door: Pick<Texts, 'signIn' | 'lock' | 'lockSettings'> = {
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
	lock: {
		title: 'Locked',
		now: 'Lock the app',
		of: (name) => `In use by ${name}`,
		unread: (count) => `${count} unread`,
		urgent: (count) => `${count} urgent`,
		nothing: 'Nothing unread',
		pin: 'PIN',
		unlock: 'Unlock',
		wrong: (left) => `That is not the PIN. ${left === 1 ? 'One more try.' : `${left} more tries.`}`,
		wait: (seconds) => `Try again in ${seconds} s.`,
		bySignIn: 'Sign in instead, or as someone else',
		byPin: 'Use the PIN',
		signInToUnlock: 'Sign in to unlock. If someone else signs in, it becomes theirs.'
	},
	lockSettings: {
		title: 'Lock',
		after: 'Lock after',
		never: 'Not by itself',
		minutes: (count) => (count === 1 ? '1 minute' : `${count} minutes`),
		afterHint:
			'Without a touch of keyboard or mouse; 10 minutes unless you choose otherwise. Locking the computer’s screen or sending it to sleep locks the app too.',
		hasPin: 'A PIN unlocks the app.',
		noPin: 'With a PIN you can unlock the app without signing in again.',
		choose: 'Choose a PIN',
		change: 'Change PIN',
		remove: 'Remove PIN',
		now: 'Lock now',
		pin: 'New PIN',
		pinHint: 'At least 4 characters',
		again: 'Once more',
		different: 'The two PINs differ. Enter them again.',
		keep: 'Save',
		cancel: 'Cancel',
		kept: 'PIN saved',
		removed: 'PIN removed'
	}
};
