/**
 * What a release is made of, as CycloneDX 1.5: the crates of a program from cargo's own graph. For npm there is `npm sbom`.
 *
 * What is named is what is compiled in, for any of the systems: build scripts' and tests' crates are left out.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

/** The bill of one of the workspace's packages. */
export function crates(program) {
	const metadata = JSON.parse(
		execFileSync('cargo', ['metadata', '--format-version', '1', '--locked'], {
			cwd: root,
			encoding: 'utf8',
			maxBuffer: 1 << 28
		})
	);
	return bill(metadata, readFileSync(join(root, 'Cargo.lock'), 'utf8'), program);
}

/** From cargo's graph and lock file to the bill. */
export function bill(metadata, lock, program) {
	const packages = new Map(metadata.packages.map((one) => [one.id, one]));
	const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
	const top = metadata.packages.find((one) => one.name === program && one.source === null);
	if (!top) throw new Error(`no package ${program} in the workspace`);
	const compiledIn = (id) =>
		nodes
			.get(id)
			.deps.filter((dependency) => dependency.dep_kinds.some(({ kind }) => kind === null))
			.map((dependency) => dependency.pkg);
	const reached = new Set([top.id]);
	for (const id of reached) for (const next of compiledIn(id)) reached.add(next);
	const checksums = checksumsOf(lock);
	const of = (one) => ({
		type: 'library',
		'bom-ref': ref(one),
		name: one.name,
		version: one.version,
		...(one.license && { licenses: [{ expression: one.license.replaceAll('/', ' OR ') }] }),
		...(checksums.has(`${one.name} ${one.version}`) && {
			hashes: [{ alg: 'SHA-256', content: checksums.get(`${one.name} ${one.version}`) }]
		}),
		purl: ref(one)
	});
	const sorted = [...reached].sort((one, other) => (ref(packages.get(one)) < ref(packages.get(other)) ? -1 : 1));
	const document = {
		bomFormat: 'CycloneDX',
		specVersion: '1.5',
		version: 1,
		metadata: { component: { ...of(top), type: 'application' } },
		components: sorted.filter((id) => id !== top.id).map((id) => of(packages.get(id))),
		dependencies: sorted.map((id) => ({
			ref: ref(packages.get(id)),
			dependsOn: compiledIn(id)
				.map((next) => ref(packages.get(next)))
				.sort()
		}))
	};
	return { ...document, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(document))}` };
}

const ref = ({ name, version }) => `pkg:cargo/${name}@${version}`;

function checksumsOf(lock) {
	const found = lock.matchAll(/name = "(.+)"\nversion = "(.+)"\nsource = .*\nchecksum = "([0-9a-f]{64})"/g);
	return new Map([...found].map(([, name, version, checksum]) => [`${name} ${version}`, checksum]));
}

/** The same for the same content, so that a release made twice is the same. */
function uuidOf(text) {
	const hex = createHash('sha256').update(text).digest('hex');
	return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
		'-'
	);
}
