/**
 * The licences of what the app is made of, as the module `virtual:licences`: crates from cargo's own graph, npm packages from
 * the lock file, the texts from the packages themselves.
 *
 * What is named is at least what is shipped: a tool that only one of them needed to be built may be among it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

interface Package {
	name: string;
	version: string;
	licence: string;
	folder: string;
}

/** What of `cargo metadata` is used. */
interface Metadata {
	packages: {
		id: string;
		name: string;
		version: string;
		license?: string;
		source: string | null;
		manifest_path: string;
	}[];
	resolve: { nodes: { id: string; deps: Dependency[] }[] };
}

interface Dependency {
	pkg: string;
	dep_kinds: { kind: 'build' | 'dev' | null }[];
}

const root = join(import.meta.dirname, '..');
const MODULE = 'virtual:licences';
/** The packages the interface itself names, in its sources. */
const IMPORTED = ['@internationalized/date', '@sveltejs/kit', '@tauri-apps/api', 'bits-ui', 'svelte', 'virtua'];

export function licences(): Plugin {
	return {
		name: 'licences',
		resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
		load: (id) => (id === `\0${MODULE}` ? `export default ${JSON.stringify(collect())}` : undefined)
	};
}

/** Each text once, and of each package the numbers of its texts. */
function collect() {
	const texts: string[] = [];
	const packages = [...crates(), ...npmPackages()].map(({ name, version, licence, folder }) => ({
		name,
		version,
		licence,
		texts: foldersWithTexts(name, folder)
			.flatMap(textsIn)
			.map((text) => {
				if (!texts.includes(text)) texts.push(text);
				return texts.indexOf(text);
			})
	}));
	packages.sort(
		(one, other) => one.name.localeCompare(other.name, 'en') || one.version.localeCompare(other.version, 'en')
	);
	return { packages, texts };
}

/** The crates that are linked into the app, and those that bring C code for others to link. */
function crates(): Package[] {
	const run = (program: string, ...args: string[]) =>
		execFileSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });
	const host = /^host: (\S+)$/m.exec(run('rustc', '-vV'))?.[1] ?? '';
	const metadata: Metadata = JSON.parse(
		run('cargo', 'metadata', '--format-version', '1', '--locked', '--filter-platform', host)
	);
	const known = new Map(metadata.packages.map((crate) => [crate.id, crate]));
	const needs = new Map(metadata.resolve.nodes.map(({ id, deps }) => [id, deps]));
	const apps = metadata.packages.filter(({ name }) => name === 'hugmedo-chat').map(({ id }) => id);
	const isShipped = ({ pkg, dep_kinds }: Dependency) =>
		dep_kinds.some(({ kind }) => kind === null || (kind === 'build' && known.get(pkg)?.name.endsWith('-src')));
	const shipped = (id: string) => (needs.get(id) ?? []).filter(isShipped).map(({ pkg }) => pkg);
	return closure(apps, shipped)
		.flatMap((id) => known.get(id) ?? [])
		.filter(({ source }) => source !== null)
		.map(({ name, version, license, manifest_path }) => ({
			name,
			version,
			licence: license ?? '',
			folder: dirname(manifest_path)
		}));
}

function npmPackages(): Package[] {
	type Locked = { version: string; license?: string; dependencies?: Record<string, string> };
	const { packages }: { packages: Record<string, Locked> } = JSON.parse(
		readFileSync(join(root, 'package-lock.json'), 'utf8')
	);
	const locked = (name: string) => packages[`node_modules/${name}`];
	return closure(IMPORTED, (name) => Object.keys(locked(name)?.dependencies ?? {})).flatMap((name) => {
		const { version, license } = locked(name) ?? {};
		return version ? { name, version, licence: license ?? '', folder: join(root, 'node_modules', name) } : [];
	});
}

function closure(first: string[], next: (one: string) => string[]): string[] {
	const found = new Set(first);
	// A set that grows while it is walked is walked to its new end.
	for (const one of found) for (const other of next(one)) found.add(other);
	return [...found];
}

/** A crate that brings someone's C code has that code in a folder of its own, with its own licence. */
function foldersWithTexts(name: string, folder: string): string[] {
	if (!name.endsWith('-src')) return [folder];
	const inside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
	return [folder, ...inside.map((entry) => join(folder, entry.name))];
}

/** The licence we use it under: where MIT is among those offered, that one. */
function textsIn(folder: string): string[] {
	if (!existsSync(folder)) return [];
	const names = readdirSync(folder)
		.filter((name) => /^(licen[cs]e|copying|notice)/i.test(name) && statSync(join(folder, name)).isFile())
		.sort();
	const mit = names.filter((name) => /mit/i.test(name));
	return (mit.length > 0 ? mit : names).map((name) => readFileSync(join(folder, name), 'utf8').trim());
}
