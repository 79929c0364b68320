/**
 * A whole Linux desktop without a screen: display, window manager, session bus, keyring and notification service, each the
 * real program, in folders of its own. `npm start` uses it where there is no display, the window tests use one per person.
 *
 * Invariant: nothing of the surrounding desktop is reached. The bus knows only the services started here (no activation),
 * HOME and all XDG folders lie in the given folder, and the keyring is new and empty unless the folder is used again.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { Companion, Failure, ask } from './processes.mjs';
import { root } from './setup.mjs';

const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

const DUNST = `[global]
  origin = top-right
  width = 340
  font = Noto Sans CJK JP 10
  idle_threshold = 0
  mouse_left_click = do_action, close_current
[urgency_low]
  timeout = 0
[urgency_normal]
  timeout = 0
[urgency_critical]
  timeout = 0
`;

/** A notification as the app sent it, with the number the notification service gave it. */
/** @typedef {{ app: string, summary: string, body: string, urgency: number, id?: number }} Notification */

export class Desktop {
	#parts = [];
	#runtime;
	#showsNotices = false;

	/** The environment for programs on this desktop. */
	env;

	/** Every notification the service has answered, in order, as seen on the bus. @type {Notification[]} */
	notifications = [];
	/** The numbers of those that the app took back. @type {number[]} */
	withdrawn = [];

	/**
	 * @param {string} folder holds HOME and the logs
	 * @param {{ width?: number, height?: number, keyring?: boolean, notices?: boolean, language?: string,
	 *   sessionType?: string, systemBus?: boolean }} [options]
	 *   `keyring: false`: a desktop without a Secret Service; `notices: false`: one on which nothing shows notifications;
	 *   `sessionType`: what it says it is, `x11` or `wayland`; `systemBus`: its bus stands in for that of the system, too
	 */
	static async start(folder, options = {}) {
		const desktop = new Desktop();
		try {
			await desktop.#start(folder, {
				width: 1280,
				height: 800,
				keyring: true,
				notices: true,
				language: 'ja_JP.UTF-8',
				sessionType: 'x11',
				systemBus: false,
				...options
			});
		} catch (error) {
			await desktop.stop();
			throw error;
		}
		return desktop;
	}

	async #start(folder, { width, height, keyring, notices, language, sessionType, systemBus }) {
		const home = join(folder, 'home');
		const logs = join(folder, 'desktop-logs');
		for (const dir of [home, logs]) mkdirSync(dir, { recursive: true });
		// Socket paths are limited to 108 bytes, so this one folder is always short.
		this.#runtime = mkdtempSync(join(tmpdir(), 'hugmedo-'));
		chmodSync(this.#runtime, 0o700);
		process.once('exit', () => rmSync(this.#runtime, { recursive: true, force: true }));
		this.folder = folder;
		this.home = home;

		this.env = {
			...withoutDesktop(process.env),
			HOME: home,
			XDG_RUNTIME_DIR: this.#runtime,
			XDG_SESSION_TYPE: sessionType,
			LANG: language,
			LOCPATH: compiledLocale(language),
			GDK_BACKEND: 'x11',
			// No settings service and no accessibility bus here: without these GTK looks for them in vain.
			GSETTINGS_BACKEND: 'memory',
			GTK_A11Y: 'none',
			NO_AT_BRIDGE: '1'
		};
		const part = (name, command, args, options) => {
			const companion = Companion.start(name, command, args, {
				env: this.env,
				log: join(logs, `${name}.log`),
				...options
			});
			this.#parts.push(companion);
			return companion;
		};

		const display = part(
			'Xvfb',
			'Xvfb',
			['-displayfd', '3', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp', '-noreset'],
			{ fd3: true }
		);
		this.env.DISPLAY = `:${(await display.line(3, /^(\d+)$/, 20))[1]}`;

		writeFileSync(join(this.#runtime, 'bus.conf'), BUS.replace('/tmp', this.#runtime));
		const bus = part('dbus-daemon', 'dbus-daemon', [
			`--config-file=${join(this.#runtime, 'bus.conf')}`,
			'--nofork',
			'--print-address=1'
		]);
		this.env.DBUS_SESSION_BUS_ADDRESS = (await bus.line(1, /^(unix:\S+)$/, 20))[1];
		if (systemBus) this.env.DBUS_SYSTEM_BUS_ADDRESS = this.env.DBUS_SESSION_BUS_ADDRESS;

		const monitor = part(
			'dbus-monitor',
			'dbus-monitor',
			['--session', "interface='org.freedesktop.Notifications'", "type='method_return'"],
			{ log: undefined }
		);
		this.#watch(monitor);
		const windows = part('openbox', 'openbox', ['--sm-disable']);
		await windows.until(() => this.#ask('xprop', ['-root', '_NET_SUPPORTING_WM_CHECK'])?.includes('0x'), 20);
		if (notices) {
			writeFileSync(join(this.#runtime, 'dunstrc'), DUNST);
			const service = part('dunst', 'dunst', ['-conf', join(this.#runtime, 'dunstrc')]);
			await service.until(() => this.#owned('org.freedesktop.Notifications'), 20);
			this.#showsNotices = true;
		}
		if (keyring) {
			const secrets = part(
				'gnome-keyring-daemon',
				'gnome-keyring-daemon',
				['--foreground', '--unlock', '--components=secrets'],
				{ input: 'virtual desktop' }
			);
			await secrets.until(() => this.#owned('org.freedesktop.secrets'), 20);
		}
	}

	/** Ends every program of the desktop. HOME and the logs stay. */
	async stop() {
		for (const part of [...this.#parts].reverse()) await part.stop();
		if (this.#runtime) rmSync(this.#runtime, { recursive: true, force: true });
	}

	/** The whole screen, or one window, as raw pixels of three bytes. */
	pixels(window = 'root') {
		return this.#picture(window, 'rgb:-');
	}

	/** Saves the whole screen, or one window, as PNG. */
	screenshot(path, window = 'root') {
		writeFileSync(path, this.#picture(window, 'png:-'));
	}

	/** The visible windows of a process, by X window id. */
	windowsOf(pid) {
		const found = this.#ask('xdotool', ['search', '--onlyvisible', '--all', '--pid', String(pid), '--name', '.+']);
		return found ? found.split('\n') : [];
	}

	/** Runs xdotool, which does what a hand at mouse and keyboard would. */
	xdotool(...args) {
		const done = spawnSync('xdotool', args, { env: this.env, encoding: 'utf8' });
		if (done.status !== 0) throw new Failure(`xdotool ${args.join(' ')}: ${done.stderr.trim()}`);
		return done.stdout.trim();
	}

	/** Whether a window shows a picture: more than a few colours, none of them nearly everywhere. */
	isPainted(window = 'root') {
		return looksPainted(this.pixels(window));
	}

	/** Closes what lies over the windows. A service of the test's own shows nothing, and would be asked while the test waits. */
	closeNotifications() {
		if (this.#showsNotices) this.#ask('dunstctl', ['close-all']);
	}

	/** Clicks on the notification that is shown topmost. */
	clickOnNotification() {
		// dunst's place for the first one: the top right corner, 10 by 50 away from it.
		const [width] = this.xdotool('getdisplaygeometry').split(' ').map(Number);
		this.xdotool('mousemove', String(width - 170), '70', 'click', '1');
	}

	#picture(window, format) {
		const done = spawnSync('import', ['-silent', '-window', String(window), '-depth', '8', format], {
			env: this.env,
			maxBuffer: 256 * 1024 * 1024
		});
		if (done.status !== 0) throw new Failure(`no picture of window ${window}: ${done.stderr.toString().trim()}`);
		return done.stdout;
	}

	#ask(command, args) {
		return ask(command, args, { env: this.env });
	}

	#owned(name) {
		const path = '/org/freedesktop/DBus';
		return this.#ask('dbus-send', [
			'--session',
			'--print-reply',
			'--dest=org.freedesktop.DBus',
			path,
			'org.freedesktop.DBus.GetNameOwner',
			`string:${name}`
		]);
	}

	/** Reads dbus-monitor's text: a `Notify` call with its arguments, then the service's answer with the same serial. */
	#watch(monitor) {
		const waiting = new Map();
		let header = '';
		let strings = [];
		let urgency = 1;
		let sawUrgency = false;
		const finish = () => {
			const call = header.match(/^method call .* sender=(\S+) .* serial=(\d+) .*member=Notify$/);
			if (call && strings.length >= 4) {
				waiting.set(`${call[1]} ${call[2]}`, { app: strings[0], summary: strings[2], body: strings[3], urgency });
			}
		};
		monitor.lines(1, (line) => {
			if (/^\S/.test(line)) {
				finish();
				[header, strings, urgency, sawUrgency] = [line, [], 1, false];
				return;
			}
			const text = line.match(/^ {3}string "(.*)"$/);
			if (text) strings.push(text[1]);
			if (/string "urgency"/.test(line)) sawUrgency = true;
			const byte = sawUrgency && line.match(/byte (\d+)/);
			if (byte) [urgency, sawUrgency] = [Number(byte[1]), false];
			const number = line.match(/^ {3}uint32 (\d+)$/);
			if (number && /^method call .*member=CloseNotification$/.test(header)) this.withdrawn.push(Number(number[1]));
			const answer = number && header.match(/^method return .* destination=(\S+) .*reply_serial=(\d+)/);
			if (answer) {
				const notification = waiting.get(`${answer[1]} ${answer[2]}`);
				if (!notification) return;
				waiting.delete(`${answer[1]} ${answer[2]}`);
				this.notifications.push({ ...notification, id: Number(number[1]) });
			}
		});
	}
}

/** Whether raw pixels are a picture rather than an empty surface. */
export function looksPainted(rgb) {
	const counts = new Map();
	for (let at = 0; at + 2 < rgb.length; at += 3) {
		const colour = (rgb[at] << 16) | (rgb[at + 1] << 8) | rgb[at + 2];
		counts.set(colour, (counts.get(colour) ?? 0) + 1);
	}
	const total = rgb.length / 3;
	return counts.size > 16 && Math.max(...counts.values()) / total < 0.985;
}

/** The folder with the compiled locale of a language such as `ja_JP.UTF-8`, which the computer itself may not have. */
function compiledLocale(language) {
	const folder = join(root, '.local', 'locale');
	const [name, charset] = language.split('.');
	if (!existsSync(join(folder, language))) {
		mkdirSync(folder, { recursive: true });
		// Made under another name first: two desktops may want it at the same time.
		const draft = mkdtempSync(join(folder, 'new-'));
		// It exits with 1 for mere warnings, so what counts is whether the result is there.
		spawnSync('localedef', ['--no-archive', '-i', name, '-f', charset, join(draft, language)]);
		if (!existsSync(join(draft, language)))
			throw new Failure(`the locale ${language} cannot be made; is the package \`locales\` installed?`);
		if (!existsSync(join(folder, language))) renameSync(join(draft, language), join(folder, language));
		rmSync(draft, { recursive: true, force: true });
	}
	return folder;
}

/** The environment without anything that leads to the desktop this process may run on. */
function withoutDesktop(env) {
	return Object.fromEntries(
		Object.entries(env).filter(
			([name]) =>
				!/^(XDG_|DBUS_|GNOME_|GTK_|GDK_|DESKTOP_|WAYLAND_|XAUTHORITY$|DISPLAY$|LC_|LANGUAGE$|SESSION_MANAGER$)/.test(
					name
				)
		)
	);
}
