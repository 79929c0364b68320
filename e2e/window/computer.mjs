/**
 * A clinician at a computer of their own: a desktop with its keyring and notifications, and the app in its window.
 *
 * What a person does here goes through the window (keys, clicks), and what is asserted is what the window shows. Parts of the
 * page are found by the `data-testid`s that the interface promises.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programs } from '../../scripts/build.mjs';
import { Desktop, looksPainted } from '../../scripts/desktop.mjs';
import { Companion, ask, eventually } from '../../scripts/processes.mjs';
import { cargoEnv, root } from '../../scripts/setup.mjs';
import { pixelsOf, unlike } from './pixels.mjs';
import { freePort, hasEnded, isGone, processIn } from './programs.mjs';
import { Key, WebDriver } from './webdriver.mjs';

const pictures = join(root, 'test-results', 'screenshots');

export class Computer {
	#driverProcess;
	#driverAddress;
	#args = [];

	/** The page in the app's window. @type {WebDriver} */
	page;

	/** The app's process id while it runs. */
	pid;

	/**
	 * @param {string} folder everything of this computer lies in it
	 * @param {{ keyring?: boolean, notices?: boolean, language?: string, env?: NodeJS.ProcessEnv, programs?: string,
	 *   sessionType?: string, systemBus?: boolean, usualFolder?: boolean }} [options]
	 *   `programs`: a folder whose programs come before those of the same names; `usualFolder`: the app keeps its data where it does
	 *   when nobody says otherwise, which makes it the person's own
	 */
	static async start(folder, { env = {}, programs: before, usualFolder = false, ...options } = {}) {
		const computer = new Computer();
		computer.folder = folder;
		computer.env = { ...env, ...(before && { PATH: `${before}:${cargoEnv.PATH}` }) };
		computer.desktop = await Desktop.start(folder, { width: 1200, height: 800, ...options });
		if (usualFolder) {
			computer.dataDir = join(computer.desktop.home, '.local', 'share', 'jp.hugmedo.chat');
		} else {
			computer.dataDir = join(folder, 'app');
			computer.#args = ['--data-dir', computer.dataDir];
		}
		return computer;
	}

	/** Switches the computer off. */
	async stop() {
		await this.page?.close().catch(() => {});
		await this.#driverProcess?.stop();
		await this.desktop.stop();
	}

	/** Starts the app, with a link for instance, and waits until its window shows something. */
	async openApp(...args) {
		if (!this.#driverProcess) await this.#startDriver();
		this.page = await WebDriver.open(this.#driverAddress, {
			'tauri:options': { application: programs.app, args: [...this.#args, ...args] }
		});
		this.pid = await eventually(() => processIn(this.desktop.home, programs.app), 10, 'the app');
		this.window = await eventually(() => this.desktop.windowsOf(this.pid)[0], 20, "the app's window");
		await this.isPainted();
	}

	/** Closes the app's window by the keyboard, as a person does, and waits until the app has ended. */
	async closeApp() {
		const { page, pid } = this;
		this.page = this.pid = undefined;
		if (!page) return;
		// The window manager says that a window is active before the keyboard is its; a key pressed in between goes nowhere,
		// and a person presses it again.
		let pressed = 0;
		await eventually(
			() => {
				if (isGone(pid)) return true;
				if (Date.now() - pressed > 5_000) {
					this.focusWindow();
					this.desktop.xdotool('key', '--clearmodifiers', 'alt+F4');
					pressed = Date.now();
				}
				return false;
			},
			20,
			'the end of the app'
		);
		// The driver has noticed it too; its session has to be ended all the same.
		await page.close().catch(() => {});
	}

	/** Ends the app without any farewell, as a power cut does. */
	async crashApp() {
		const { page, pid } = this;
		this.page = this.pid = undefined;
		process.kill(pid, 'SIGKILL');
		await hasEnded(pid);
		await page.close().catch(() => {});
	}

	/** Starts the app a second time, and resolves to what that exits with. */
	startAgain(...args) {
		return this.startProgram(programs.app, ...this.#args, ...args).exited;
	}

	/** Starts a program on this computer. */
	startProgram(program, ...args) {
		return Companion.start(program, program, args, { env: { ...this.desktop.env, ...this.env } });
	}

	/** The app has ended by itself, and is not to be waited for any more. */
	async forgetApp() {
		const { page } = this;
		this.page = this.pid = undefined;
		await page?.close().catch(() => {});
	}

	/** Whether a process has ended. */
	hasEnded(pid) {
		return isGone(pid);
	}

	/** The window shows on the screen what is on its page: neither an empty surface nor a picture from before. */
	isPainted() {
		const isShown = async () => {
			this.desktop.closeNotifications();
			const onScreen = this.desktop.pixels(this.window);
			const onPage = pixelsOf(await this.page.screenshot());
			return looksPainted(onScreen) && onScreen.length === onPage.length && unlike(onScreen, onPage) < 0.01;
		};
		return eventually(isShown, 20, 'a window that is painted as its page is');
	}

	/** Saves what is on the screen into `test-results/screenshots`. */
	picture(name) {
		mkdirSync(pictures, { recursive: true });
		this.desktop.screenshot(join(pictures, `${name}.png`));
	}

	/** Whether something is there and visible. */
	sees(selector) {
		return this.page.run(
			`function (selector) {
				return Array.from(document.querySelectorAll(selector)).some((element) => element.getClientRects().length > 0);
			}`,
			selector
		);
	}

	/** The visible text of the first element that matches, or `null`. */
	text(selector) {
		return this.page.run(
			`function (selector) { const found = document.querySelector(selector); return found && found.innerText.trim(); }`,
			selector
		);
	}

	/** An attribute of the first element that matches, or `null`. */
	attribute(selector, name) {
		return this.page.run(
			`function (selector, name) { const found = document.querySelector(selector); return found && found.getAttribute(name); }`,
			selector,
			name
		);
	}

	async click(selector) {
		await eventually(() => this.sees(selector), 15, `${selector} to click on`);
		// The page may draw the element anew between finding and clicking it.
		await eventually(async () => (await (await this.page.find(selector)).click(), true), 10, `a click on ${selector}`);
	}

	/** Clicks on the button with this inscription. */
	async clickOn(inscription) {
		const mark = (text) => {
			const button = Array.from(document.querySelectorAll('button')).find((button) => button.innerText.trim() === text);
			if (button) button.dataset.e2e = 'wanted';
			return Boolean(button);
		};
		await eventually(() => this.page.run(String(mark), inscription), 15, `a button ${inscription}`);
		await this.click('[data-e2e=wanted]');
	}

	/** A selector of the first element that matches and holds this text, once there is one. */
	async mark(selector, text) {
		const mark = (selector, text) => {
			for (const marked of document.querySelectorAll('[data-e2e-marked]')) delete marked.dataset.e2eMarked;
			const found = Array.from(document.querySelectorAll(selector)).find((element) => element.innerText.includes(text));
			if (found) found.dataset.e2eMarked = '';
			return Boolean(found);
		};
		await eventually(() => this.page.run(String(mark), selector, text), 15, `${selector} with ${text}`);
		return '[data-e2e-marked]';
	}

	/** Chooses from a list. */
	async choose(selector, value) {
		await eventually(() => this.sees(selector), 15, `${selector} to choose from`);
		await this.page.run(
			`function (selector, value) {
				const list = document.querySelector(selector);
				list.value = value;
				list.dispatchEvent(new Event('change', { bubbles: true }));
			}`,
			selector,
			value
		);
	}

	/** Chooses what has this label: a radio button or a box to tick. */
	async clickLabel(inscription) {
		await this.click(await this.mark('label', inscription));
	}

	/** Replaces what is in a field by typing. */
	async fill(selector, text) {
		await eventually(() => this.sees(selector), 15, `${selector} to fill in`);
		const field = await this.page.find(selector);
		await field.clear();
		await field.type(text);
	}

	/** Signs in through the form. */
	async signIn(server, username, password) {
		await this.fillSignIn(server, username, password);
		await eventually(() => this.sees(testid('room-item')), 30, `${username} to be signed in`);
	}

	async fillSignIn(server, username, password) {
		await this.fill(field.server, server.address);
		await this.fill(field.username, username);
		await this.fill(field.password, password);
		await this.click(field.submit);
	}

	/** Signs in with an access token through the form. */
	async signInWithToken(server, token) {
		await this.click(field.byToken);
		await this.fill(field.server, server.address);
		await this.fill(field.token, token);
		await this.click(field.submit);
		await eventually(() => this.sees(testid('room-item')), 30, 'to be signed in');
	}

	/** Signs out, where the settings are, and says yes to the question. */
	async signOut() {
		await this.click(testid('settings'));
		// What stands above it comes from the server and from core, and may move it away under the click: a person presses again.
		const isAsked = async () => {
			if (!(await this.sees(testid('confirm-sign-out')))) await this.click(testid('sign-out'));
			return this.sees(testid('confirm-sign-out'));
		};
		await eventually(isAsked, 15, 'the question');
		await this.click(testid('confirm-sign-out'));
		await eventually(() => this.sees(testid('sign-in-form')), 20, 'the sign-in form');
	}

	/** Shows a room, and waits until it is this room that the composer writes to. */
	async openRoom(roomId) {
		await this.click(roomItem(roomId));
		await this.showsRoom(roomId);
	}

	async showsRoom(roomId) {
		const isOpen = () =>
			this.page.run(
				`function (room, composer) {
					const item = document.querySelector(room);
					const field = document.querySelector(composer);
					const [name] = item.innerText.split('\\n');
					return item.getAttribute('aria-current') === 'page' && field !== null && field.placeholder.includes(name);
				}`,
				roomItem(roomId),
				testid('composer')
			);
		await eventually(isOpen, 15, `room ${roomId}`);
	}

	/** Calls a command of the shell as the page does. */
	command(name, args = {}) {
		return this.page.run(
			`function (name, args) { return window.__TAURI_INTERNALS__.invoke(name, args).then((answer) => answer ?? null); }`,
			name,
			args
		);
	}

	/** What is in a field. */
	valueOf(selector) {
		return this.page.run(`function (selector) { return document.querySelector(selector).value; }`, selector);
	}

	/** What is in the composer. */
	draft() {
		return this.valueOf(testid('composer'));
	}

	/** Types into the composer without sending. */
	async write(text) {
		await (await this.page.find(testid('composer'))).type(text);
	}

	/** Types a message and presses Enter. */
	async send(text) {
		await this.write(text);
		await this.write(Key.enter);
	}

	/** The rows of the timeline, as shown. @returns {Promise<{ text: string, own: boolean, delivery: string }[]>} */
	messages() {
		return this.page.run(
			`function (selector) {
				return Array.from(document.querySelectorAll(selector), (row) => ({
					text: row.innerText,
					own: row.dataset.own === 'true',
					delivery: row.dataset.delivery || ''
				}));
			}`,
			testid('message')
		);
	}

	/** Waits for a message in the timeline and answers its row; there must be exactly one. */
	async message(text, wanted = () => true) {
		const found = await eventually(
			async () => {
				const rows = (await this.messages()).filter((row) => row.text.includes(text));
				return rows.some(wanted) && rows;
			},
			20,
			`the message ${JSON.stringify(text)}`
		);
		assert.equal(found.length, 1, `${JSON.stringify(text)} is shown ${found.length} times`);
		return found[0];
	}

	/** What the room's badge counts. */
	async unread(roomId) {
		return Number(await this.attribute(roomItem(roomId), 'data-unread'));
	}

	/** The state the connection is shown to be in. */
	connection() {
		return this.attribute(testid('connection'), 'data-state');
	}

	async isLive() {
		await eventually(async () => (await this.connection()) === 'live', 30, 'a live connection');
	}

	/** Puts the keyboard's focus into the window, as clicking on it does. */
	focusWindow() {
		this.desktop.xdotool('windowactivate', '--sync', this.window);
	}

	async #startDriver() {
		const [port, nativePort] = [await freePort(), await freePort()];
		this.#driverProcess = Companion.start(
			'tauri-driver',
			'tauri-driver',
			['--port', String(port), '--native-port', String(nativePort)],
			{ env: { ...this.desktop.env, PATH: cargoEnv.PATH, ...this.env }, log: join(this.folder, 'driver.log') }
		);
		this.#driverAddress = `http://127.0.0.1:${port}`;
		await this.#driverProcess.until(() => fetch(`${this.#driverAddress}/status`), 20);
	}
}

/** The selector of a part of the page. */
export const testid = (name) => `[data-testid="${name}"]`;

export const roomItem = (roomId) => `${testid('room-item')}[data-room-id="${roomId}"]`;

const form = testid('sign-in-form');

/** The parts of the sign-in form, by what browsers and password keepers know them by. */
export const field = {
	server: `${form} [autocomplete=url]`,
	username: `${form} [autocomplete=username]`,
	password: `${form} [autocomplete=current-password]`,
	byToken: `${form} label:has([value=token])`,
	token: `${form} input[type=password]`,
	submit: `${form} [type=submit]`
};

/** How many secrets the computer's keyring holds, as the Secret Service counts them. */
export function keyringItems(computer) {
	const answer = ask(
		'dbus-send',
		[
			'--session',
			'--print-reply',
			'--dest=org.freedesktop.secrets',
			'/org/freedesktop/secrets/aliases/default',
			'org.freedesktop.DBus.Properties.Get',
			'string:org.freedesktop.Secret.Collection',
			'string:Items'
		],
		{ env: computer.desktop.env }
	);
	assert.ok(answer, 'the keyring answers');
	return answer.match(/object path/g)?.length ?? 0;
}

/** Keeps the state of a failed test: the screens and where everything is. */
export async function keepEvidence(context, computers) {
	for (const [name, computer] of Object.entries(computers)) {
		try {
			computer?.picture(`${context.name.replace(/[^\w]+/g, '-').slice(0, 60)}-${name}`);
		} catch (error) {
			writeFileSync(join(root, 'test-results', 'evidence.log'), `${context.name} ${name}: ${error.message}\n`, {
				flag: 'a'
			});
		}
	}
}
