/** What the scenes of the fake backend begin with. */
import type { AboutView } from './bindings/AboutView';
import type { ConnectionView } from './bindings/ConnectionView';
import type { Language } from './bindings/Language';
import type { PolicyView } from './bindings/PolicyView';
import type { Preferences } from './bindings/Preferences';
import type { TextSize } from './bindings/TextSize';
import type { Theme } from './bindings/Theme';
import { DEFAULT_CONNECTION } from './connection';

/** The link in scenes where it is not simply live. */
export const sampleLinks: Record<string, () => ConnectionView> = {
	offline: () => ({
		state: 'offline',
		since: now(-8 * 60_000),
		reason: 'unreachable',
		nextAttemptAt: now(12_000),
		lastConfirmedAt: now(-8 * 60_000)
	}),
	stopped: () => ({
		state: 'offline',
		since: now(-25 * 60_000),
		reason: 'unreachable',
		lastConfirmedAt: now(-25 * 60_000)
	}),
	limited: () => ({ state: 'limited', since: now(), reason: 'webSocketBlocked', lastConfirmedAt: now() }),
	proxy: () => ({ state: 'limited', since: now(), reason: 'proxyInUse', lastConfirmedAt: now() }),
	catchingUp: () => ({ state: 'catchingUp', since: now(), progress: { fetched: 1_200 }, lastConfirmedAt: now() }),
	history: () => ({
		state: 'live',
		since: now(),
		progress: { fetched: 12_000, total: 100_000 },
		lastConfirmedAt: now()
	})
};

export const samplePreferences = (scene: URLSearchParams): Preferences => ({
	language: (scene.get('lang') as Language | null) ?? undefined,
	theme: (scene.get('theme') as Theme | null) ?? 'system',
	textSize: (scene.get('text') as TextSize | null) ?? 'normal',
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
	lastServer: 'chat.hospital.example.jp',
	lastUsername: 'sato',
	connection: DEFAULT_CONNECTION
});

/** `?policy=managed`: the organisation has decided everything; `?policy=broken`: its file cannot be followed. */
export function samplePolicy(scene: URLSearchParams): PolicyView {
	const all: PolicyView['managed'] = [
		'server',
		'proxy',
		'caFile',
		'notificationPrivacy',
		'lockAfterMinutes',
		'autostart',
		'updates',
		'updateFeed',
		'exportConversations'
	];
	switch (scene.get('policy')) {
		case 'managed':
			return { managed: all, server: 'https://chat.hospital.example.jp', problems: [], mayExport: false };
		case 'broken':
			return {
				managed: ['lockAfterMinutes'],
				problems: [
					{ key: 'lockAfterMinutes', fault: 'wrongValue' },
					{ key: 'lockAfterMinuts', fault: 'unknownKey' }
				],
				mayExport: true
			};
		default:
			return { managed: [], problems: [], mayExport: true };
	}
}

/** @param told whether the server has said what it speaks */
export const sampleAbout = (told: boolean): AboutView => ({
	system: 'linux x86_64',
	webview: '2.50.6',
	store: 10,
	protocol: 1,
	...(told && { serverProtocol: 1 })
});

export const sampleDiagnostics = `HugMeDo Chat 0.1.0, linux x86_64, 2026-11-23T09:00:00.000Z
Versions: webview 2.50.6, store 10, protocol 1, the server's 1
Notifications: about Important, showing Sender, quiet hours none, do not disturb until none, urgent again every 2 min
Connection: Live since 2026-11-23T08:12:31.104Z, reason none, last answer 2026-11-23T08:59:58.020Z
Rooms: 4, 7 unread
Not sent: 0
Messages that raised no notification, the latest: 2
  2026-11-23T08:58:40.311Z InView
  2026-11-23T08:41:07.992Z Quiet
`;

/** This moment, or one so many milliseconds from it. */
export function now(offsetMs = 0): string {
	return new Date(Date.now() + offsetMs).toISOString();
}
