/**
 * `npm start`: sets everything up, starts a server with sample people on this computer and opens the app, signed in as one of
 * them. Ends when the window is closed or by Ctrl-C, and then nothing it started is left.
 *
 *     npm start [-- --once]
 *
 * Where there is no display the app runs on a virtual one and a screenshot of it is saved. `--once`: end after that, which
 * needs no display either way.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { platform } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildInterface, buildPrograms, programs } from './build.mjs';
import { Desktop } from './desktop.mjs';
import { Companion, Failure, main } from './processes.mjs';
import { prepare, root } from './setup.mjs';

/** Everything this leaves behind; delete it to start afresh. */
const folder = join(root, '.local', 'start');

main(async () => {
	const { values: options } = parseArgs({ options: { once: { type: 'boolean', default: false } } });
	const hasDisplay = platform() !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
	const virtual = !hasDisplay || options.once;

	await prepare({ virtualDesktop: virtual });
	await buildInterface();
	await buildPrograms();

	mkdirSync(folder, { recursive: true });
	const address = await startServer();
	const desktop = virtual ? await startDesktop(hasDisplay) : undefined;
	const app = Companion.start('the app', programs.app, ['--data-dir', join(folder, 'app')], {
		env: { ...(desktop?.env ?? process.env), HUGMEDO_CHAT_SIGN_IN_FILE: signInFile(address) },
		log: join(folder, 'app.log')
	});
	console.log(
		`HugMeDo Chat is open, signed in as sato at ${address}. ${virtual ? '' : 'Close its window or press Ctrl-C to end.'}`
	);

	if (desktop) {
		const picture = join(folder, 'screenshot.png');
		await app.until(() => isReady(desktop, app), 60);
		desktop.screenshot(picture);
		console.log(`Screenshot: ${relative(process.cwd(), picture)}`);
		if (options.once) return 0;
		console.log('Press Ctrl-C to end.');
	}
	const how = await app.exited;
	if (how !== 0) throw new Failure(`the app ended unexpectedly (${how}): ${app.tail}`);
	return 0;
});

/** Starts the server at the address it had the last time, because the app remembers where it is signed in. */
async function startServer() {
	const portFile = join(folder, 'port');
	const lastPort = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0;
	const wanted = (await isFree(lastPort)) ? lastPort : 0;
	const server = Companion.start(
		'the server',
		programs.server,
		['serve', '--demo', '--listen', `127.0.0.1:${wanted}`, '--data-dir', join(folder, 'server')],
		{ log: join(folder, 'server.log') }
	);
	const [, address] = await server.line(1, /^listening on (\S+)$/, 60);
	const { port } = new URL(address);
	if (Number(port) !== lastPort) {
		rmSync(join(folder, 'app'), { recursive: true, force: true });
		writeFileSync(portFile, port);
	}
	return address;
}

async function startDesktop(hasDisplay) {
	if (!hasDisplay) console.log('There is no display, so the app runs on a virtual one.');
	// A virtual desktop's keyring is new each time, and what the last one kept safe cannot be read any more.
	rmSync(join(folder, 'app'), { recursive: true, force: true });
	rmSync(join(folder, 'desktop'), { recursive: true, force: true });
	return Desktop.start(join(folder, 'desktop'));
}

/** The sample password is public; the file is private all the same, as any such file has to be. */
function signInFile(server) {
	const path = join(folder, 'sign-in.json');
	rmSync(path, { force: true });
	writeFileSync(path, JSON.stringify({ server, username: 'sato', password: 'hugmedo-demo' }), { mode: 0o600 });
	return path;
}

/** Whether the window shows a picture that has come to rest, but for a blinking cursor or someone typing. */
async function isReady(desktop, app) {
	const [window] = desktop.windowsOf(app.pid);
	if (!window || !desktop.isPainted(window)) return false;
	const before = desktop.pixels(window);
	await new Promise((resolve) => setTimeout(resolve, 700));
	const now = desktop.pixels(window);
	let changed = 0;
	for (let at = 0; at < now.length; at++) if (now[at] !== before[at]) changed++;
	return changed < now.length / 200;
}

function isFree(port) {
	return new Promise((resolve) => {
		const probe = createServer();
		probe.once('error', () => resolve(false));
		probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
	});
}
