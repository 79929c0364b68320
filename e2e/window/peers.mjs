/**
 * The other programs of a desktop, as far as the app meets them on the session bus: where tray icons are shown, a service that
 * shows notifications, a launcher, the monitor of how long nobody has touched the computer. What a person does with them, a test
 * does through these.
 */
import assert from 'node:assert/strict';
import { Bus } from './bus.mjs';

const PROPERTIES = 'org.freedesktop.DBus.Properties';

const connect = (computer) => Bus.connect(computer.desktop.env.DBUS_SESSION_BUS_ADDRESS);

/** What shows tray icons (a StatusNotifierWatcher and host in one). */
export class Tray {
	#bus;
	#items = [];

	/** @param {import('./computer.mjs').Computer} computer */
	static async start(computer) {
		const tray = new Tray();
		tray.#bus = await connect(computer);
		const known = {
			RegisteredStatusNotifierItems: ['as', []],
			IsStatusNotifierHostRegistered: ['b', true],
			ProtocolVersion: ['i', 0]
		};
		tray.#bus.answer = ({ interface: iface, member, args, sender }) => {
			if (member === 'RegisterStatusNotifierItem') {
				tray.#items.push({ sender, path: args[0].startsWith('/') ? args[0] : '/StatusNotifierItem' });
				return [];
			}
			if (iface === PROPERTIES && member === 'Get') return ['v', known[args[1]]];
			if (iface === PROPERTIES && member === 'GetAll') return ['a{sv}', known];
			return [];
		};
		await tray.#bus.own('org.kde.StatusNotifierWatcher');
		return tray;
	}

	/** How many programs have ever put an icon in. A program may do so more than once for the same one. */
	get count() {
		return new Set(this.#items.map(({ sender }) => sender)).size;
	}

	/** What the newest icon says of itself. */
	async icon() {
		const { sender, path } = this.#newest();
		return (await this.#bus.call(sender, path, PROPERTIES, 'GetAll', 's', 'org.kde.StatusNotifierItem'))[0];
	}

	/** The entries of its menu that have an inscription, those of submenus after theirs. */
	async menu() {
		const flat = ([id, { label, enabled = true, visible = true }, children]) => [
			...(label && visible ? [{ id, label: label.replace(/_/g, ''), enabled }] : []),
			...children.flatMap(flat)
		];
		const [, root] = await this.#ofMenu('GetLayout', 'iias', 0, -1, []);
		return flat(root);
	}

	/** Chooses the entry with this inscription. */
	async choose(inscription) {
		const entry = (await this.menu()).find(({ label }) => label.includes(inscription));
		assert.ok(entry?.enabled, `an entry ${inscription}`);
		await this.#ofMenu('Event', 'isvu', entry.id, 'clicked', ['i', 0], 0);
	}

	stop() {
		this.#bus.close();
	}

	async #ofMenu(member, ...args) {
		const { Menu } = await this.icon();
		return this.#bus.call(this.#newest().sender, Menu, 'com.canonical.dbusmenu', member, ...args);
	}

	#newest() {
		const item = this.#items.at(-1);
		assert.ok(item, 'a tray icon');
		return item;
	}
}

/** A service that shows notifications, and tells all about them. */
export class Notices {
	#bus;
	#next = 1;
	#abilities;
	/** All that were ever raised or changed, in order. */
	raised = [];
	/** Those on the screen, by number. @type {Map<number, object>} */
	shown = new Map();

	/** `abilities`: what it says it can do. */
	static async start(computer, { abilities = ['actions', 'body', 'body-markup', 'sound'] } = {}) {
		const notices = new Notices();
		notices.#abilities = abilities;
		notices.#bus = await connect(computer);
		notices.#bus.answer = (call) => notices.#answer(call);
		await notices.#bus.own('org.freedesktop.Notifications');
		return notices;
	}

	/** Clicks on one. `everyone`: the service tells all programs of it, as some do, and not only the one that raised it. */
	click(number, { everyone = false } = {}) {
		const { sender } = this.shown.get(number) ?? {};
		this.#tell('ActionInvoked', everyone ? undefined : sender, 'us', number, 'default');
		this.dismiss(number);
	}

	/** Closes one, as a person does. */
	dismiss(number) {
		const { sender } = this.shown.get(number) ?? {};
		this.shown.delete(number);
		this.#tell('NotificationClosed', sender, 'uu', number, 2);
	}

	stop() {
		this.#bus.close();
	}

	#answer({ member, args, sender }) {
		switch (member) {
			case 'GetCapabilities':
				return ['as', this.#abilities];
			case 'GetServerInformation':
				return ['ssss', 'notices', 'HugMeDo', '1.0', '1.2'];
			case 'Notify': {
				const [app, replaces, icon, summary, body, actions, hints, expires] = args;
				const number = replaces || this.#next++;
				const notice = { number, replaces, app, icon, summary, body, actions, hints, expires, sender };
				this.shown.set(number, notice);
				this.raised.push(notice);
				return ['u', number];
			}
			case 'CloseNotification':
				if (this.shown.delete(args[0])) this.#tell('NotificationClosed', sender, 'uu', args[0], 3);
				return [];
			default:
				throw new Error(`${member} is not known here`);
		}
	}

	#tell(member, destination, signature, ...args) {
		const [path, name] = ['/org/freedesktop/Notifications', 'org.freedesktop.Notifications'];
		this.#bus.emit({ destination, path, interface: name, member }, signature, ...args);
	}
}

/** A launcher that shows how much is unread. */
export class Launcher {
	#bus;
	/** What the app last told. @type {{ app: string, count: number, visible: boolean, urgent: boolean } | undefined} */
	entry;

	static async start(computer) {
		const launcher = new Launcher();
		launcher.#bus = await connect(computer);
		await launcher.#bus.listen('com.canonical.Unity.LauncherEntry', 'Update', ({ args: [app, told] }) => {
			launcher.entry = { app, count: told.count, visible: told['count-visible'], urgent: told.urgent };
		});
		return launcher;
	}

	/** The number on the icon; 0 for none. */
	get count() {
		return this.entry?.visible ? this.entry.count : 0;
	}

	stop() {
		this.#bus.close();
	}
}

/** What a Wayland desktop asks how long nobody has touched the computer: Mutter's monitor. */
export class IdleMonitor {
	#bus;
	/** For how long, in milliseconds. */
	idle = 0;
	/** How often it was asked. */
	asked = 0;

	static async start(computer) {
		const monitor = new IdleMonitor();
		monitor.#bus = await connect(computer);
		monitor.#bus.answer = ({ member }) => {
			assert.equal(member, 'GetIdletime');
			monitor.asked++;
			return ['t', monitor.idle];
		};
		await monitor.#bus.own('org.gnome.Mutter.IdleMonitor');
		return monitor;
	}

	stop() {
		this.#bus.close();
	}
}
