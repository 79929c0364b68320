/** The settings. */
import type { Texts } from '../ja';

export const settings: Pick<Texts, 'settings' | 'about'> = {
	settings: {
		title: 'Settings',
		back: 'Back',
		find: 'Find a setting',
		notFound: 'No such setting',
		notFoundHint: 'Try another word, or fewer.',
		language: 'Language',
		languageHint: 'The language of this computer, unless you choose another.',
		theme: 'Appearance',
		themeHint: 'As the system has it, unless you choose otherwise.',
		themes: { system: 'Follow the system', light: 'Light', dark: 'Dark' },
		textSize: 'Text size',
		textSizeHint: 'Normal, unless you choose otherwise.',
		textSizes: { small: 'Small', normal: 'Normal', large: 'Large', larger: 'Larger', largest: 'Largest' },
		enter: 'Send key',
		enterHint: 'Enter, unless you choose otherwise. While you convert Japanese text it sends nothing.',
		enterSends: 'Enter sends (Shift+Enter for a new line)',
		ctrlEnterSends: (keys) => `${keys} sends (Enter for a new line)`,
		notifyAbout: 'Notify me about',
		notify: {
			all: 'Everything',
			important: 'Rooms with patients, mentions, urgent messages',
			urgent: 'Urgent messages only'
		},
		notifyHint:
			'Messages that do not notify still count as unread. Talk among staff does not, unless you choose so: interruptions harm.',
		privacy: 'Notifications show',
		privacies: {
			appOnly: 'Only the name of the app',
			nothing: 'Only that there is a new message',
			sender: 'The sender (never a patient’s name)',
			content: 'The sender and the text'
		},
		privacyHint:
			'Others can see your screen, so it is the sender unless you choose otherwise. Show the text only where you are alone.',
		sounds: 'Sounds',
		soundChoices: { all: 'With every notification', urgent: 'With urgent ones only', off: 'Never' },
		soundsHint:
			'Routine notifications sound soft, urgent ones loud. In quiet hours and “do not disturb” only urgent ones are heard.',
		test: 'Test notifications',
		tested: {
			raised: (service: string) =>
				`A notification was raised${service ? ` (${service})` : ''}. If you do not see it, allow this app in the notification settings of the system, and switch off its “do not disturb” or focus mode.`,
			heldBack: 'The system holds notifications back. Switch off “do not disturb” in its settings.',
			denied: 'The system does not let this app notify. Allow it in its notification settings.',
			noService: 'Nothing on this computer shows notifications. Ask your administrator.'
		},
		quiet: 'Quiet hours',
		quietOn: 'Each day, only urgent messages notify from',
		quietHint: 'Off unless you switch them on. Messages still count as unread, and urgent ones notify.',
		quietFrom: 'From',
		quietTo: 'To',
		disturb: 'Do not disturb',
		disturbOff: 'Notifications are as usual.',
		disturbUntil: (when: string) => `Only urgent messages notify until ${when}.`,
		disturbHour: 'For an hour',
		disturbMorning: 'Until 8 tomorrow morning',
		disturbEnd: 'End it',
		repeat: 'Urgent messages, again',
		repeatHint:
			'They are raised again for 20 minutes, until someone takes them on; every 2 minutes unless you choose otherwise.',
		repeatEvery: (minutes: number) =>
			minutes === 0 ? 'Once only' : minutes === 1 ? 'Every minute' : `Every ${minutes} minutes`,
		window: 'Window and start',
		closeToTray: 'Keep receiving notifications when the window is closed',
		closeToTrayHint:
			'On unless you switch it off. The app then stays in the tray. Where there is no tray, closing the window ends it.',
		autostart: 'Start when I sign in to this computer',
		autostartHint: 'Off unless you switch it on. It starts without its window, and you are notified.',
		protectFromCapture: 'Leave this window out of screenshots and shared screens',
		protectFromCaptureHint:
			'Off unless you switch it on. Others then see an empty area, which also goes for support that looks at your screen.',
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
	about: {
		title: 'About and help',
		server: 'Server',
		store: 'Database on this computer',
		engine: 'Page engine',
		system: 'System',
		app: (version, protocol) => `${version} (protocol ${protocol})`,
		protocol: (version) => `protocol ${version}`,
		schema: (version) => `schema ${version}`,
		baseline: 'the baseline only, which tells no version',
		notTold: 'not known before it is connected',
		explained: 'Shows how the app is doing. There are no names, no messages and no passwords in it.',
		show: 'Show diagnostics',
		diagnostics: 'Diagnostics',
		read: 'Read it before you hand it on. Nothing of it is sent by itself.',
		copy: 'Copy',
		save: 'Save…',
		saved: 'The file was saved',
		licences: 'Licences of what it is made of',
		licencesExplained: 'This app contains the work of many. Here is whose, and under which terms.',
		licencesFind: 'Find by name',
		licencesNone: 'There is none of that name.',
		licenceWithoutText: 'The package comes without a text of its own; the terms are those of the licence named.',
		close: 'Close'
	}
};
