/**
 * Builds the interface and the two programs, as little as the changes since the last time need.
 *
 * The app carries the interface inside itself (`tauri/custom-protocol`), so it runs without any development server.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { platform } from 'node:os';
import { Failure, must } from './processes.mjs';
import { cargoEnv, root, targetDir } from './setup.mjs';

/** One set of features and packages for every cargo call, because each other set compiles the dependencies again. */
export const wholeWorkspace = ['--workspace', '--locked', '--features', 'tauri/custom-protocol'];

const suffix = platform() === 'win32' ? '.exe' : '';

/** The built programs, or the installed ones where the environment names them. */
export const programs = {
	app: process.env.HUGMEDO_CHAT_APP_PROGRAM || join(targetDir, 'debug', `hugmedo-chat${suffix}`),
	server: process.env.HUGMEDO_CHAT_SERVER_PROGRAM || join(targetDir, 'debug', `hugmedo-chat-server${suffix}`)
};

/** Builds `build/` from `src/` and `static/`, unless nothing it depends on has changed. */
export async function buildInterface() {
	const stamp = join(root, '.local', 'interface-built-from');
	const sources = fingerprint([
		'src',
		'static',
		'scripts/licences.ts',
		'Cargo.lock',
		'package-lock.json',
		'svelte.config.js',
		'vite.config.ts',
		'tsconfig.json'
	]);
	if (existsSync(join(root, 'build', 'index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === sources)
		return;
	console.log('Building the interface');
	await must('npm', ['run', '--silent', 'build'], { cwd: root });
	mkdirSync(dirname(stamp), { recursive: true });
	writeFileSync(stamp, sources);
}

/** Builds the app and the server; cargo itself knows what has changed. */
export async function buildPrograms() {
	console.log('Building the app and the server (the first time takes some minutes)');
	await must('cargo', ['build', ...wholeWorkspace, '--bins'], { cwd: root, env: cargoEnv });
}

/** The newest package of a name that `npm run tauri build` or `cargo deb` has made. */
export function newestPackage(folder, begin, kind = 'deb') {
	const found = (existsSync(folder) ? readdirSync(folder) : [])
		.filter((name) => name.startsWith(begin) && name.endsWith(`.${kind}`))
		.map((name) => join(folder, name))
		.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
	if (found.length === 0)
		throw new Failure(`no ${begin}*.${kind} in ${folder}; CONTRIBUTING.md says how packages are made`);
	return found[0];
}

/** A hash over the names, sizes and times of files. */
function fingerprint(paths) {
	const hash = createHash('sha256');
	const add = (path) => {
		const stat = statSync(join(root, path), { throwIfNoEntry: false });
		if (!stat) return;
		if (!stat.isDirectory()) return void hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
		for (const name of readdirSync(join(root, path)).sort()) add(join(path, name));
	};
	paths.forEach(add);
	return hash.digest('hex');
}
