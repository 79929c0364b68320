import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { changed, checksums, feed, flaws, rename, versioned } from './release.mjs';
import { bill, crates } from './sbom.mjs';
import { root } from './setup.mjs';

test('a version is set in every place, each once, and nothing else changes', () => {
	for (const [name, change] of Object.entries(versioned)) {
		const before = readFileSync(join(root, name), 'utf8');
		const after = change(before, '9.8.7', '2030-01-02');
		const differing = after.split('\n').filter((line) => !before.split('\n').includes(line));
		assert.ok(differing.length >= 1 && differing.length <= 2, `${name}: ${differing}`);
		assert.ok(
			differing.every((line) => line.includes('9.8.7')),
			`${name}: ${differing}`
		);
	}
});

test('a version that not every system can have is refused, and one place that is wrong keeps all from being written', () => {
	const read = (name) => readFileSync(join(root, name), 'utf8');
	assert.equal(changed('9.8.7', '2030-01-02', read).length, Object.keys(versioned).length);
	for (const version of ['9.8.7-beta.1', '9.8', 'v9.8.7', '9.08.7', '256.0.0', '9.8.65536']) {
		assert.throws(() => changed(version, '2030-01-02', read), /is no version/, version);
	}
	const without = (broken) => (name) => (name === broken ? '{}' : read(name));
	for (const name of Object.keys(versioned)) {
		assert.throws(() => changed('9.8.7', '2030-01-02', without(name)), new RegExp(`^Error: ${name} has no place`));
	}
});

test('a whole release has every kind of package, each of this version', () => {
	const whole = [
		'hugmedo-chat_1.0.0_amd64.deb',
		'hugmedo-chat-server_1.0.0-1_amd64.deb',
		'hugmedo-chat-1.0.0-1.x86_64.rpm',
		'hugmedo-chat_1.0.0_amd64.AppImage',
		'HugMeDo-Chat_1.0.0_aarch64.dmg',
		'HugMeDo-Chat_1.0.0_aarch64.app.tar.gz',
		'HugMeDo-Chat_1.0.0_x64_en-US.msi',
		'HugMeDo-Chat_1.0.0_x64-setup.exe'
	];
	assert.deepEqual(flaws(whole, '1.0.0'), []);
	for (const name of whole) {
		assert.equal(
			flaws(
				whole.filter((other) => other !== name),
				'1.0.0'
			).length,
			1,
			name
		);
		assert.deepEqual(flaws([...whole, name.replace('1.0.0', '0.9.0')], '1.0.0'), [
			`${name.replace('1.0.0', '0.9.0')} is not of 1.0.0`
		]);
	}
});

test('a changelog that is closed begins a new part above the old one', () => {
	const closed = versioned['CHANGELOG.md']('## [Unreleased]\n\n### Added\n- x\n', '1.0.0', '2030-01-02');
	assert.equal(closed, '## [Unreleased]\n\n## [1.0.0] - 2030-01-02\n\n### Added\n- x\n');
});

test('the bill of the app names every crate with its source, and only what is in it', () => {
	const app = crates('hugmedo-chat');
	assert.equal(app.bomFormat, 'CycloneDX');
	const names = new Set(app.components.map((component) => component.name));
	for (const name of ['tauri', 'rust_socketio', 'rusqlite', 'hugmedo-chat-core']) assert.ok(names.has(name), name);
	for (const name of ['hugmedo-chat-testkit', 'proptest']) assert.ok(!names.has(name), name);
	const refs = new Set([app.metadata.component, ...app.components].map((component) => component['bom-ref']));
	assert.equal(refs.size, app.components.length + 1, 'each has a name of its own');
	for (const { ref, dependsOn } of app.dependencies) {
		for (const name of [ref, ...dependsOn]) assert.ok(refs.has(name), `${name} is listed`);
	}
	const foreign = app.components.filter((component) => !component.name.startsWith('hugmedo-chat'));
	for (const { name, hashes, licenses } of foreign) assert.ok(hashes?.length && licenses?.length, name);
	assert.deepEqual(crates('hugmedo-chat'), app, 'made twice it is the same');
});

test('what only builds or tests need is not in a bill', () => {
	const one = (name, source = 'registry') => ({ id: name, name, version: '1.0.0', source, license: 'MIT' });
	const metadata = {
		packages: [one('app', null), one('used'), one('for-build'), one('for-tests')],
		resolve: {
			nodes: [
				{
					id: 'app',
					deps: [
						{ pkg: 'used', dep_kinds: [{ kind: null }] },
						{ pkg: 'for-build', dep_kinds: [{ kind: 'build' }] },
						{ pkg: 'for-tests', dep_kinds: [{ kind: 'dev' }] }
					]
				},
				...['used', 'for-build', 'for-tests'].map((id) => ({ id, deps: [] }))
			]
		}
	};
	assert.deepEqual(
		bill(metadata, '', 'app').components.map((component) => component.name),
		['used']
	);
});

test('packages get names without spaces, and one whose name would not stay is refused', () => {
	const folder = mkdtempSync(join(tmpdir(), 'hugmedo-release-'));
	const put = (name) => writeFileSync(join(folder, name), name);
	try {
		for (const name of ['HugMeDo Chat_1.0.0_x64-setup.exe', 'hugmedo-chat_1.0.0_amd64.deb']) put(name);
		rename(folder);
		assert.deepEqual(readdirSync(folder).sort(), ['HugMeDo-Chat_1.0.0_x64-setup.exe', 'hugmedo-chat_1.0.0_amd64.deb']);
		put('HugMeDo Chat_1.0.0_x64-setup.exe');
		assert.throws(() => rename(folder), /the same name/);
		rmSync(join(folder, 'HugMeDo Chat_1.0.0_x64-setup.exe'));
		for (const odd of ['hugmedo-chat_1.0.0~beta.1_amd64.deb', 'チャット.dmg', '.hidden']) {
			put(odd);
			assert.throws(() => rename(folder), /would not keep its name/, odd);
			rmSync(join(folder, odd));
		}
	} finally {
		rmSync(folder, { recursive: true });
	}
});

test('the feed names what can update itself, and nothing else', () => {
	const files = [
		'hugmedo-chat_1.0.0_amd64.AppImage',
		'HugMeDo-Chat_1.0.0_x64-setup.exe',
		'HugMeDo-Chat_1.0.0_aarch64.app.tar.gz',
		'hugmedo-chat_1.0.0_amd64.deb',
		'SHA256SUMS'
	];
	const made = feed('1.0.0', files, {
		url: 'https://d.example',
		date: '2030-01-02',
		signature: (file) => `signed ${file}`
	});
	assert.deepEqual(Object.keys(made.platforms), ['linux-x86_64-appimage', 'windows-x86_64-nsis', 'darwin-aarch64-app']);
	assert.deepEqual(made.platforms['linux-x86_64-appimage'], {
		url: 'https://d.example/hugmedo-chat_1.0.0_amd64.AppImage',
		signature: 'signed hugmedo-chat_1.0.0_amd64.AppImage'
	});
});

test('checksums are as sha256sum checks them', { skip: process.platform !== 'linux' }, () => {
	const folder = mkdtempSync(join(tmpdir(), 'hugmedo-release-'));
	try {
		for (const name of ['a.deb', 'b c.AppImage']) writeFileSync(join(folder, name), name);
		writeFileSync(join(folder, 'SHA256SUMS'), checksums(folder));
		const check = () => spawnSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder }).status;
		assert.equal(check(), 0);
		writeFileSync(join(folder, 'a.deb'), 'tampered');
		assert.equal(check(), 1);
	} finally {
		rmSync(folder, { recursive: true });
	}
});
