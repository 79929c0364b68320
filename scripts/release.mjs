/**
 * Making a release; docs/release.md tells the whole.
 *
 *     npm run release -- 0.2.0              sets the version everywhere and closes the changelog; commit and tag follow by hand
 *     npm run release -- finish FOLDER      beside the built packages in FOLDER: bills of materials, signatures, feed, checksums
 *     npm run release -- key FILE           makes the key pair that updates are signed with: once, and outside of this folder
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure, main } from './processes.mjs';
import { crates } from './sbom.mjs';
import { root, unattended } from './setup.mjs';

/** The largest an .msi can have. */
const LARGEST = [255, 255, 65_535];
const PROGRAMS = { app: 'hugmedo-chat', server: 'hugmedo-chat-server' };
/** What a release has on its three systems, by how their names end. */
const KINDS = [
	/^hugmedo-chat_.+_amd64\.deb$/,
	/^hugmedo-chat-server_.+_amd64\.deb$/,
	/\.x86_64\.rpm$/,
	/_amd64\.AppImage$/,
	/_aarch64\.dmg$/,
	/_aarch64\.app\.tar\.gz$/,
	/_x64_.*\.msi$/,
	/_x64-setup\.exe$/
];
/** What updates itself, by the updater's name for the system. */
const UPDATABLE = [
	[/_amd64\.AppImage$/, 'linux-x86_64-appimage'],
	[/_aarch64\.AppImage$/, 'linux-aarch64-appimage'],
	[/_x64-setup\.exe$/, 'windows-x86_64-nsis'],
	[/_x64_.*\.msi$/, 'windows-x86_64-msi'],
	[/_aarch64\.app\.tar\.gz$/, 'darwin-aarch64-app'],
	[/_x64\.app\.tar\.gz$/, 'darwin-x86_64-app']
];

const tauri = (args) => execFileSync('npx', ['tauri', ...args], { cwd: root, stdio: 'inherit' });

/** The texts with the version in them, each as it is with another one. */
export const versioned = {
	'package.json': (text, version) => text.replace(/("version": ")[^"]+/, `$1${version}`),
	// Its own entry, at the top and as the package with the empty name.
	'package-lock.json': (text, version) =>
		text.replace(/("name": "hugmedo-chat",\n\s*"version": ")[^"]+/g, `$1${version}`),
	'Cargo.toml': (text, version) => text.replace(/(\[workspace\.package\]\nversion = ")[^"]+/, `$1${version}`),
	'CHANGELOG.md': (text, version, date) =>
		text.replace('## [Unreleased]\n', `## [Unreleased]\n\n## [${version}] - ${date}\n`),
	'src-tauri/linux/jp.hugmedo.chat.metainfo.xml': (text, version, date) =>
		text.replace('<releases>\n', `<releases>\n    <release version="${version}" date="${date}"/>\n`)
};

/** Not with a part such as `-beta.1`: an .msi cannot have it and a .deb writes it otherwise. A beta is what its channel's feed names. */
const isVersion = (text) =>
	/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}$/.test(text) && text.split('.').every((part, at) => Number(part) <= LARGEST[at]);

/** The texts of another version. Nothing is written before all of them are known to be right. */
export function changed(version, date, read) {
	if (!isVersion(version)) throw new Failure(`\`${version}\` is no version such as 0.2.0`);
	return Object.entries(versioned).map(([name, change]) => {
		const before = read(name);
		const after = change(before, version, date);
		if (after === before) throw new Failure(`${name} has no place for the version, or has it already`);
		if (name.endsWith('.json') && JSON.parse(after).version !== version)
			throw new Failure(`${name} has another version`);
		return [name, after];
	});
}

function setVersion(version) {
	const date = new Date().toISOString().slice(0, 10);
	for (const [name, text] of changed(version, date, (name) => readFileSync(join(root, name), 'utf8'))) {
		writeFileSync(join(root, name), text);
	}
	execFileSync('cargo', ['update', '--workspace', '--offline', '--quiet'], { cwd: root, stdio: 'inherit' });
	console.log(`Version ${version}. Look at the changelog, then:
  git commit -am "chore(release): ${version}" && git tag -s v${version} -m "HugMeDo Chat ${version}" && git push --follow-tags`);
}

/** The feed of the updater: `{ version, platforms: { NAME: { url, signature } } }`. */
export function feed(version, files, { url, date, signature }) {
	const platforms = {};
	for (const file of files) {
		const [, name] = UPDATABLE.find(([pattern]) => pattern.test(file)) ?? [];
		if (name) platforms[name] = { url: `${url}/${encodeURIComponent(file)}`, signature: signature(file) };
	}
	return { version, pub_date: date, platforms };
}

/**
 * Gives every package a name that stays as it is: a place for downloads may put dots for spaces, and then the checksums and the feed
 * would name files that are not there.
 */
export function rename(folder) {
	for (const name of readdirSync(folder)) {
		const plain = name.replaceAll(' ', '-');
		if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(plain))
			throw new Failure(`\`${name}\` would not keep its name in a download`);
		if (plain === name) continue;
		if (existsSync(join(folder, plain))) throw new Failure(`\`${name}\` and \`${plain}\` would have the same name`);
		renameSync(join(folder, name), join(folder, plain));
	}
}

/** What keeps a folder from being a whole release: a kind of package that is not there, a package of another version. */
export function flaws(names, version) {
	const packages = names.filter((name) => KINDS.some((kind) => kind.test(name)));
	return [
		...KINDS.filter((kind) => !names.some((name) => kind.test(name))).map((kind) => `nothing is called ${kind.source}`),
		...packages.filter((name) => !name.split(/[_-]/).includes(version)).map((name) => `${name} is not of ${version}`)
	];
}

/** As `sha256sum` writes and checks it. */
export function checksums(folder) {
	const names = readdirSync(folder).filter((name) => !name.startsWith('SHA256SUMS'));
	return names
		.sort()
		.map(
			(name) =>
				`${createHash('sha256')
					.update(readFileSync(join(folder, name)))
					.digest('hex')}  ${name}\n`
		)
		.join('');
}

function finish(folder) {
	if (!folder || !existsSync(folder)) throw new Failure('which folder are the packages in?');
	rename(folder);
	const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	const wrong = flaws(readdirSync(folder), version);
	const tag = process.env.GITHUB_REF_TYPE === 'tag' && process.env.GITHUB_REF_NAME;
	if (tag && tag !== `v${version}`) wrong.push(`the tag is ${tag}, and what is built is ${version}`);
	// By hand, on one system, there is never everything.
	if (wrong.length > 0 && unattended) throw new Failure(`this is no whole release: ${wrong.join('; ')}`);
	for (const flaw of wrong) console.log(`Not a whole release: ${flaw}`);
	const save = (name, content) => writeFileSync(join(folder, name), content);
	const json = (content) => `${JSON.stringify(content, null, '\t')}\n`;
	for (const [name, program] of Object.entries(PROGRAMS)) save(`sbom-${name}-crates.cdx.json`, json(crates(program)));
	save(
		'sbom-app-npm.cdx.json',
		execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
			cwd: root,
			maxBuffer: 1 << 28
		})
	);
	const sign = (file) => {
		const path = resolve(folder, file);
		tauri(['signer', 'sign', '--app-version', version, path]);
		return readFileSync(`${path}.sig`, 'utf8');
	};
	if (process.env.TAURI_SIGNING_PRIVATE_KEY || process.env.TAURI_SIGNING_PRIVATE_KEY_PATH) {
		const url = process.env.HUGMEDO_CHAT_DOWNLOADS;
		if (!url?.startsWith('https://')) {
			throw new Failure('HUGMEDO_CHAT_DOWNLOADS is no https address: under which one will the packages lie?');
		}
		const date = new Date().toISOString();
		save('latest.json', json(feed(version, readdirSync(folder), { url, date, signature: sign })));
		save('SHA256SUMS', checksums(folder));
		sign('SHA256SUMS');
	} else if (unattended) {
		throw new Failure('TAURI_SIGNING_PRIVATE_KEY is not set, and a release has to be signed');
	} else {
		save('SHA256SUMS', checksums(folder));
		console.log('Not signed: TAURI_SIGNING_PRIVATE_KEY is not set. This is no release that computers update to.');
	}
	console.log(`Finished in ${folder}`);
}

function makeKey(file) {
	if (!file) throw new Failure('which file is the secret key to be in?');
	if (!relative(root, resolve(file)).startsWith('..'))
		throw new Failure('a secret key does not belong into this folder');
	tauri(['signer', 'generate', '--write-keys', resolve(file)]);
	console.log(`The secret key is ${file}; keep it, and its password, where only releases are made. Lost, no computer updates any more.
The public one goes into the build as HUGMEDO_CHAT_UPDATE_KEY: ${readFileSync(`${resolve(file)}.pub`, 'utf8').trim()}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
	main(() => {
		const [what, argument] = process.argv.slice(2);
		if (what === 'finish') finish(argument);
		else if (what === 'key') makeKey(argument);
		else if (what) setVersion(what);
		else throw new Failure(`what? See the head of scripts/${basename(process.argv[1])}`);
		return Promise.resolve(0);
	});
}
