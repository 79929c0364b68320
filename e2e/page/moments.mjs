/** Views that pass: what has just failed, what is asked or found to be nothing, what one is in the middle of. */
import { inSight, openRoom, room, settled, testid } from './scene.mjs';
import { PNG, bring, busy, message, onMessage, pressed, settings, signIn, withFiles } from './ways.mjs';

/** Lets something happen in the fake backend. */
const make = (page, what, ...args) =>
	page.evaluate(([what, args]) => globalThis.fakeBackend[what](...args), [what, args]);

/** A message that could not be sent, in its room. */
async function failed(page) {
	const unsent = await page.evaluate(() => globalThis.fakeBackend.unsentMessages());
	const { roomId, key } = unsent.find((row) => row.delivery === 'failed');
	await openRoom(page, roomId);
	return inSight(page, page.locator(`${testid('message')}[data-key=${key}] .actions button`).last());
}

/** As `views.mjs` has them. */
export const moments = {
	'design-menu': { path: '/design', open: (page) => page.click(testid('show-menu')) },
	'design-dialog': { path: '/design', open: (page) => page.click(testid('show-dialog')) },
	'sign-in-token': { scene: 'state=signin', open: (page) => page.click('label:has([value=token])') },
	'sign-in-refused': {
		scene: 'state=signin',
		open: async (page) => {
			await make(page, 'failNext', 'signIn', 'unreachable');
			await signIn(page, testid('error'));
		}
	},
	'session-ended': {
		open: async (page) => {
			await openRoom(page, 'general');
			await make(page, 'publish', { kind: 'sessionChanged', session: null, ended: 'revoked' });
			await page.waitForSelector('[name=password]');
		}
	},
	'server-offer-signed-in': {
		open: async (page) => {
			await page.waitForSelector(room('general'));
			await make(page, 'publish', { kind: 'serverOffered', server: 'https://chat.hospital.example.jp' });
			await page.waitForSelector(testid('server-offer'));
		}
	},
	'rooms-filtered': {
		open: async (page) => {
			await page.fill('nav input[type=search]', 'どこにもない');
			await page.waitForSelector('nav .none');
		}
	},
	'message-failed': { scene: 'state=waiting', open: failed },
	'message-discard': {
		scene: 'state=waiting',
		open: async (page) => {
			await (await failed(page)).click();
			await page.waitForSelector(testid('discard-dialog'));
		}
	},
	'message-unfolded': {
		open: async (page) => {
			await openRoom(page, 'support');
			await make(page, 'receive', 'support', 'yamada', `退院サマリー\n${'経過は良好です。\n'.repeat(24)}`);
			await page.locator(`${testid('message')} [aria-expanded=false]`).click();
			await inSight(page, page.locator(`${testid('message')} [aria-expanded=true]`));
		}
	},
	answer: { scene: 'state=busy', open: onMessage('了解', 'r', 'composer-mode') },
	edit: {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.focus(testid('composer'));
			await page.keyboard.press('ArrowUp');
			await page.waitForSelector(testid('composer-mode'));
		}
	},
	'too-long': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.fill(testid('composer'), '長い申し送りです。'.repeat(1_200));
			await page.waitForSelector(testid('error'));
		}
	},
	drop: {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.evaluate((list) => {
				const dataTransfer = new DataTransfer();
				dataTransfer.items.add(new File(['x'], 'x.png'));
				const event = new DragEvent('dragenter', { bubbles: true, cancelable: true, dataTransfer });
				document.querySelector(list).dispatchEvent(event);
			}, testid('timeline'));
			await page.waitForSelector(testid('drop-invitation'));
		}
	},
	typing: {
		open: async (page) => {
			await openRoom(page, 'general');
			await make(page, 'setTypingOf', 'general', 'suzuki', true);
			await make(page, 'setTypingOf', 'general', 'yamada', true);
			await page.waitForSelector(testid('typing'));
		}
	},
	'action-problem': {
		scene: 'state=busy',
		open: async (page) => {
			await busy(page);
			await make(page, 'setOnline', false);
			await onMessage('了解', '+', 'popover')(page);
			await page
				.locator(`${testid('popover')} [role=option], ${testid('popover')} button`)
				.last()
				.click();
			await page.waitForSelector(testid('action-problem'));
		}
	},
	nowhere: {
		open: async (page) => {
			await openRoom(page, 'general');
			await make(page, 'publish', { kind: 'roomRequested', roomId: 'general', messageId: 'nowhere' });
			await page.waitForSelector(testid('nowhere'));
		}
	},
	'unread-above': {
		open: async (page) => {
			await page.waitForSelector(room('support'));
			await page.evaluate(() => {
				for (let count = 0; count < 400; count++) globalThis.fakeBackend.receive('support', 'yamada', `連絡 ${count}`);
			});
			await openRoom(page, 'support');
		}
	},
	'further-up': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.locator(testid('timeline')).hover();
			await page.mouse.wheel(0, -900);
			await page.waitForSelector(testid('latest'));
			for (const text of ['採血の結果が出ました。', 'ご確認ください。'])
				await make(page, 'receive', 'general', 'suzuki', text);
			await settled(page);
		}
	},
	'viewer-large': {
		scene: 'state=busy',
		open: async (page) => {
			await withFiles(page);
			await page.locator(testid('picture')).first().click();
			await page.waitForSelector(`${testid('viewer')} img`);
			await page.keyboard.press('+');
		}
	},
	'search-nothing': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('search'));
			await page.fill(testid('search-text'), '存在しない言葉');
			await page.waitForFunction(() =>
				/見つかりません|Nothing|No /.test(document.querySelector('.told')?.textContent ?? '')
			);
		}
	},
	'search-day': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('search'));
			await page.click(`${testid('search-dialog')} button[aria-expanded]`);
			await page.waitForSelector('[data-today]');
		}
	},
	'composer-emoji': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('emoji'));
			await page.waitForSelector(testid('emoji-search'));
		}
	},
	'template-edit': {
		open: async (page) => {
			await openRoom(page, 'general');
			await page.click(testid('template'));
			await page.click(testid('templates-manage'));
			await page.click(testid('template-add'));
			await page.fill('[name=title]', '検温');
		}
	},
	'files-on-their-way': {
		open: async (page) => {
			await openRoom(page, 'general');
			await make(page, 'holdFiles');
			await page.setInputFiles(testid('file-input'), [
				{ name: '創部の写真.png', mimeType: 'image/png', buffer: PNG },
				{ name: '検査結果.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 sample') }
			]);
			await page.click(`${testid('send')}:not([disabled])`);
			await page.locator(testid('message-files')).waitFor();
			await page.evaluate(() => {
				const { attachments } = globalThis.fakeBackend.calls.find(({ name }) => name === 'sendMessage').input;
				for (const id of attachments) globalThis.fakeBackend.moveFile(id, { kind: 'uploading', bytes: 7 });
			});
			await page
				.locator(`${testid('message')} progress`)
				.nth(1)
				.waitFor();
		}
	},
	'link-failed': {
		scene: 'state=busy',
		open: async (page) => {
			await busy(page);
			await bring(page, '手順は');
			await make(page, 'failNext', 'openLink', 'internal');
			await (await inSight(page, message(page, '手順は').locator('a'))).click();
			await page.waitForSelector(testid('link-failed'));
		}
	},
	'palette-nothing': {
		open: async (page) => {
			await pressed('Control+k', 'palette')(page);
			await page.keyboard.type('xyzxyz');
		}
	},
	'sign-out': {
		open: async (page) => {
			await settings(page);
			await page.click(testid('sign-out'));
			await page.waitForSelector(testid('confirm-sign-out'));
		}
	},
	'settings-update-failed': {
		open: async (page) => {
			await make(page, 'setUpdate', { state: 'failed', callOpen: false });
			await settings(page);
			await page.locator(testid('update-state')).scrollIntoViewIfNeeded();
		}
	},
	'settings-quiet': {
		open: async (page) => {
			await settings(page);
			await page.click(testid('quiet-hours'));
			await page.click(testid('notification-test'));
			await page.locator(testid('urgent-repeat')).scrollIntoViewIfNeeded();
		}
	},
	'settings-second-factor': {
		open: async (page) => {
			await settings(page);
			await page.click(testid('second-factor-begin'));
			await page.locator('[name=current-password]').scrollIntoViewIfNeeded();
		}
	},
	'locked-wrong': {
		open: async (page) => {
			await settings(page);
			await page.click('a[href="/rooms"]');
			await page.click(testid('lock'));
			await page.waitForSelector(testid('lock-screen'));
			await page.fill(testid('pin'), '000000');
			await page.click(testid('unlock'));
			await page.locator(`${testid('lock-screen')} ${testid('error')}:not(:empty)`).waitFor();
		}
	}
};
