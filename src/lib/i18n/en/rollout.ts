/** Rolling out: what the organisation has decided, the first connection, updates, removing the data. */
import type { PolicyProblem } from '$lib/backend/bindings/PolicyProblem';
import type { Texts } from '../ja';

const faults: Record<PolicyProblem['fault'], string> = {
	unreadable: 'The file cannot be read. Let everyone read it.',
	wrongOwner: 'The file, or its folder, is not the administrator’s. Make root its owner.',
	writable: 'Others than the administrator may change the file or its folder. Take that right away.',
	malformed: 'The file is not correct JSON. Correct it.',
	unknownKey: 'There is no key of this name. Correct its spelling, or remove it.',
	wrongValue: 'The value is not one it can have. See the administrator’s guide.'
};

export const rollout: Pick<Texts, 'policy' | 'firstRun' | 'updates' | 'exporting' | 'removal'> = {
	policy: {
		managed: 'Set by your organisation',
		broken:
			'Something is wrong with your organisation’s settings file, so the settings concerned cannot be changed. Please show this to your administrator. You can go on sending and receiving messages.',
		problem: ({ key, fault }) => `${key ? `“${key}”: ` : ''}${faults[fault]}`
	},
	firstRun: {
		test: 'Test the connection',
		testing: 'Trying…',
		found: {
			extended: (address) => `${address} answers. You can sign in.`,
			baseline: (address) => `${address} answers. Sign in with an access token.`
		},
		offerTitle: 'Use this server?',
		offer: (server) => `A link names this server: ${server}`,
		offerHint:
			'Go on only if the link is from your organisation’s administrator. A password entered at someone else’s server can be stolen.',
		offerUse: 'Use this server',
		offerNo: 'Do not use it',
		offerSignedIn: 'Sign out of the present server, then open the link again.',
		offerManaged: 'Your organisation has decided which server to sign in to.',
		close: 'Close'
	},
	updates: {
		title: 'Updates',
		states: {
			off: 'Your organisation’s administrator brings updates.',
			elsewhere: 'Updates come with the system’s packages, not from within the app.',
			unknown: 'The app looks for newer versions by itself.',
			newest: 'This is the newest version.',
			failed:
				'A newer version could not be fetched or verified. Nothing was changed. Check your network and try again later.'
		},
		ready: (version) => `Version ${version} is ready. The app changes to it by itself while nobody uses the computer.`,
		callOpen: 'It does not while an urgent message waits for an answer.',
		look: 'Look now',
		looking: 'Looking…',
		begin: 'Change to it now'
	},
	exporting: {
		action: 'Save the conversation as a file…',
		hint: 'The file is not encrypted. Treat it as a record with patients’ data, as your organisation prescribes.',
		saved: 'Saved'
	},
	removal: {
		title: 'Removing your data',
		explained: 'Removes everything this app has on this computer. The server’s records stay.',
		action: 'Remove all data…',
		question: 'Remove all data from this computer?',
		what: 'History, drafts and sign-in of every account, PINs, settings and logs are removed, the app no longer starts by itself, and it ends. This cannot be undone.',
		confirm: 'Remove all and quit',
		cancel: 'Cancel'
	}
};
