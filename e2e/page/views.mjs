/** Every view of the interface, those that pass included (`moments.mjs`): at which scene of the fake backend it is found, and how one gets there. */
import { moments } from './moments.mjs';
import { openRoom, room, settled, stopClock, testid } from './scene.mjs';
import { busy, chooseFiles, message, onMessage, pressed, settings, shown, signIn, withFiles } from './ways.mjs';

/** `path`: where it is, if not at the start. @type {Record<string, { scene?: string, path?: string, open?: (page: import('playwright-core').Page) => Promise<unknown> }>} */
export const views = {
	design: { path: '/design', open: shown(testid('design')) },
	'design-popover': { path: '/design', open: (page) => page.click(testid('show-popover')) },
	'design-wide': { path: '/design', open: (page) => page.click(testid('show-wide')) },
	'sign-in': { scene: 'state=signin', open: shown(testid('sign-in-form')) },
	'sign-in-connection': {
		scene: 'state=signin',
		open: async (page) => {
			await page.click('summary');
			await page.waitForSelector('[name=proxy]');
		}
	},
	'server-found': {
		scene: 'state=signin',
		open: async (page) => {
			await page.click(testid('server-test'));
			await page.locator(testid('server-found'), { hasText: 'https' }).waitFor();
		}
	},
	'server-offer': {
		scene: 'state=signin',
		open: async (page) => {
			await page.evaluate(() =>
				globalThis.fakeBackend.publish({ kind: 'serverOffered', server: 'https://chat.hospital.example.jp' })
			);
			await page.waitForSelector(testid('server-offer'));
		}
	},
	'sign-in-managed': { scene: 'state=signin&policy=managed', open: shown(testid('managed-server')) },
	'policy-broken': { scene: 'policy=broken', open: shown(testid('policy-problems')) },
	'settings-managed': { scene: 'policy=managed', open: settings },
	'settings-update': {
		open: async (page) => {
			await settings(page);
			await page.click(testid('update-look'));
			await page.locator(testid('update-begin')).scrollIntoViewIfNeeded();
		}
	},
	'remove-data': {
		scene: 'state=waiting',
		open: async (page) => {
			await settings(page);
			await page.click(testid('remove-data'));
			await page.waitForSelector(testid('remove-dialog'));
		}
	},
	'sign-in-code': { scene: 'state=otp', open: (page) => signIn(page, '[name=code]') },
	'second-factor': { scene: 'state=otp-setup', open: (page) => signIn(page, testid('second-factor-secret')) },
	'second-factor-codes': {
		scene: 'state=otp-setup',
		open: async (page) => {
			await signIn(page, testid('second-factor-secret'));
			await page.fill('[name=code]', '123456');
			await page.keyboard.press('Enter');
			await page.waitForSelector(testid('recovery-codes'));
		}
	},
	'rooms-none': { scene: 'state=empty', open: shown('nav') },
	rooms: { open: shown(room('general')) },
	patient: { open: (page) => openRoom(page, 'patient-tanaka') },
	timeline: { scene: 'state=busy', open: busy },
	/** What is long, of an unknown kind, or written to deceive. */
	'timeline-odd': {
		open: async (page) => {
			await openRoom(page, 'support');
			await page.evaluate(() => {
				const { fakeBackend } = globalThis;
				const author = { id: 'x', name: '恵\ufffd藤佐', userType: 'clinician' };
				fakeBackend.receive('support', 'yamada', '血圧は安定しています。'.repeat(400));
				fakeBackend.receive('support', 'yamada', '昼食はどちらにしますか？', { unknownKind: true });
				fakeBackend.receive('support', 'suzuki', '\u202e05 mg', { author });
			});
			await settled(page);
		}
	},
	'timeline-unread': { open: (page) => openRoom(page, 'announcements') },
	toolbar: {
		scene: 'state=busy',
		open: async (page) => {
			await busy(page);
			await message(page, '伺います').hover();
		}
	},
	files: { scene: 'state=busy', open: withFiles },
	viewer: {
		scene: 'state=busy',
		open: async (page) => {
			await withFiles(page);
			await page.locator(testid('picture')).first().click();
			await page.waitForSelector(`${testid('viewer')} img`);
		}
	},
	'composer-files': { open: chooseFiles },
	diagnostics: {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('settings'));
			await page.click(testid('diagnostics'));
			await page.waitForSelector(testid('diagnostics-dialog'));
		}
	},
	'message-menu': { scene: 'state=busy', open: onMessage('了解', 'Enter', 'menu') },
	'message-details': { scene: 'state=busy', open: onMessage('伺います', 'i', 'details-dialog') },
	'message-delete': { scene: 'state=busy', open: onMessage('伺います', 'Delete', 'delete-dialog') },
	'message-forward': { scene: 'state=busy', open: onMessage('了解', 'f', 'forward-dialog') },
	emoji: { scene: 'state=busy', open: onMessage('了解', '+', 'popover') },
	mention: {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.locator(testid('composer')).pressSequentially('@');
			await page.waitForSelector(testid('mentions'));
		}
	},
	'template-inline': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.locator(testid('composer')).pressSequentially('/');
			await page.waitForSelector(testid('templates'));
		}
	},
	'template-picker': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('template'));
			await page.waitForSelector(testid('template-list'));
		}
	},
	'templates-dialog': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('template'));
			await page.click(testid('templates-manage'));
			await page.waitForSelector(testid('template-item'));
		}
	},
	urgent: {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.fill(testid('composer'), '来てください');
			await page.click(testid('urgent'));
			await page.click(testid('send'));
			await page.waitForSelector('dialog[open]');
		}
	},
	held: {
		open: async (page) => {
			await openRoom(page, 'patient-tanaka');
			await stopClock(page);
			await page.fill(testid('composer'), 'お大事にしてください。');
			await page.click(testid('send'));
			await page.waitForSelector(testid('held'));
		}
	},
	'own-status': {
		open: async (page) => {
			await page.click(testid('own-status'));
			await page.waitForSelector(testid('status-menu'));
		}
	},
	search: {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('search'));
			await page.fill(testid('search-text'), '採血');
			await page.waitForSelector(testid('hit'));
		}
	},
	palette: { open: pressed('Control+k', 'palette') },
	shortcuts: { open: pressed('Control+/', 'shortcut-sheet') },
	'new-room': {
		open: async (page) => {
			await page.click(testid('new-room-open'));
			await page.waitForSelector(testid('new-room'));
		}
	},
	'room-info': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('room-info-open'));
			await page.waitForSelector(testid('room-info'));
		}
	},
	waiting: {
		scene: 'state=waiting',
		open: async (page) => {
			await page.click(testid('waiting-entry'));
			await page.waitForSelector(testid('waiting-item'));
		}
	},
	'waiting-question': {
		scene: 'state=waiting',
		open: async (page) => {
			await page.click(testid('waiting-entry'));
			await page
				.locator(`${testid('waiting-item')}[data-key=unsent-1]`)
				.getByRole('button')
				.last()
				.click();
		}
	},
	stopped: { scene: 'state=stopped', open: shown(testid('reconnect')) },
	offline: { scene: 'state=offline', open: (page) => openRoom(page, 'general') },
	limited: { scene: 'state=limited', open: (page) => openRoom(page, 'general') },
	history: {
		scene: 'state=history',
		open: async (page) => {
			await openRoom(page, 'general');
			await page.waitForSelector(testid('progress'));
		}
	},
	baseline: { scene: 'state=baseline', open: (page) => openRoom(page, 'general') },
	settings: { open: settings },
	erased: {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.evaluate(() => {
				globalThis.fakeBackend.publish({ kind: 'sessionChanged', session: null, ended: 'revoked' });
				globalThis.fakeBackend.publish({ kind: 'troubleChanged', trouble: 'dataErased' });
			});
			await page.waitForSelector('[name=password]');
		}
	},
	'settings-found': {
		open: async (page) => {
			await settings(page);
			await page.fill(testid('settings-find'), 'pin');
		}
	},
	licences: {
		open: async (page) => {
			await settings(page);
			await page.click(testid('licences'));
			const first = page.locator(`${testid('licences-dialog')} li button`).first();
			await first.click();
			await page.waitForSelector(`${testid('licences-dialog')} pre`);
		}
	},
	'settings-devices': {
		open: async (page) => {
			await settings(page);
			await page.click(testid('device-revoke'));
			await page.locator(testid('device-revoke-sure')).scrollIntoViewIfNeeded();
		}
	},
	'settings-lock': {
		open: async (page) => {
			await settings(page);
			await page.locator(testid('pin-choose')).click();
			await page.locator(testid('pin-keep')).scrollIntoViewIfNeeded();
		}
	},
	'settings-connection': {
		open: async (page) => {
			await settings(page);
			await page.locator(testid('connection-save')).scrollIntoViewIfNeeded();
		}
	},
	'settings-connection-refused': {
		open: async (page) => {
			await settings(page);
			await page.fill('[name=proxy]', 'http://sato:secret@proxy.example.jp:8080');
			await page.fill('[name=timeoutMs]', '20');
			await page.click(testid('connection-save'));
			await page.waitForSelector('[name=proxy][aria-invalid=true]');
		}
	},
	'jump-to-date': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('jump-to-date'));
			await page.waitForSelector(testid('popover'));
		}
	},
	locked: {
		open: async (page) => {
			await page.click(testid('lock'));
			await page.waitForSelector(testid('lock-screen'));
		}
	},
	...moments
};
