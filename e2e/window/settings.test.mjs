/** Settings that the computer has to follow, and what they tell of it: the versions, and starting with the session. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { programs } from '../../scripts/build.mjs';
import { eventually } from '../../scripts/processes.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Tray } from './peers.mjs';
import { hasEnded } from './programs.mjs';
import { Stage } from './stage.mjs';

describe('settings', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	/** @type {Tray} */ let tray;

	const folder = () => join(sato.desktop.home, '.config', 'autostart');
	const entries = () => (existsSync(folder()) ? readdirSync(folder()) : []);
	/** What the one entry starts, as the desktop takes it apart. */
	const command = () => {
		const [entry] = entries();
		return readFileSync(join(folder(), entry), 'utf8')
			.match(/^Exec=(.+)$/m)[1]
			.split(' ');
	};
	const version = (name) =>
		sato.page.run(
			`function (selector, name) {
				const names = Array.from(document.querySelectorAll(selector + ' dt'));
				return names.find((term) => term.innerText === name).nextElementSibling.innerText;
			}`,
			testid('versions'),
			name
		);
	const isShown = (pid) => sato.desktop.windowsOf(pid).length > 0;

	before(async () => {
		const server = await stage.server();
		sato = await stage.computer('sato', { usualFolder: true });
		tray = await Tray.start(sato);
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		tray?.stop();
		await stage.clear();
	});

	test('they tell the versions of what runs here, and what the server speaks', async () => {
		await sato.click(testid('settings'));
		await eventually(async () => /プロトコル1$/.test(await version('サーバー')), 15, "the server's");
		assert.match(await version('HugMeDo Chat'), /^\d+\.\d+\.\d+（プロトコル1）$/);
		assert.match(await version('端末内データベース'), /^スキーマ\d+$/);
		assert.match(await version('表示エンジン'), /^\d+\.\d+\.\d+$/);
		assert.match(await version('システム'), /^linux /);
	});

	test('nothing starts with the session until one chooses so; then it is where the desktop looks, and goes when one takes it back', async () => {
		assert.deepEqual(entries(), []);
		await sato.click(testid('autostart'));
		await eventually(() => entries().length === 1, 15, 'the entry');
		assert.deepEqual(command(), [programs.app, '--hidden']);
		await sato.click(testid('autostart'));
		await eventually(() => entries().length === 0, 15, 'the end of it');
		await sato.click(testid('autostart'));
		await eventually(() => entries().length === 1, 15, 'the entry again');
	});

	test('another instance, with a folder of its own, leaves it alone', async () => {
		const other = sato.startProgram(programs.app, '--hidden', '--data-dir', join(sato.folder, 'other'));
		await eventually(() => tray.count === 2, 20, 'the other one');
		await eventually(
			async () => (await tray.menu())[0].label === 'サインインしていません',
			15,
			'that nobody is signed in to'
		);
		await other.stop();
		assert.equal(entries().length, 1);
	});

	test('what it starts is the app without its window, which makes good what was taken away meanwhile', async () => {
		const [program, ...args] = command();
		process.kill(sato.pid, 'SIGTERM');
		await hasEnded(sato.pid);
		await sato.forgetApp();
		rmSync(folder(), { recursive: true });

		const app = sato.startProgram(program, ...args);
		await eventually(() => tray.count === 3, 20, 'its icon');
		await eventually(() => entries().length === 1, 20, 'the entry');
		assert.ok(!isShown(app.pid));
		assert.equal(await sato.startAgain(), 0, 'a second start is handed to it');
		await eventually(() => isShown(app.pid), 15, 'the window');
		await app.stop();
	});
});
