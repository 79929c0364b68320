/**
 * `npm test`: sets everything up and runs every check and test there is. The last line says `N passed, N failed`.
 *
 *     npm test [-- --only STEP[,STEP]] [-- --list]
 *
 * A check such as clippy counts as one; a test runner counts as many as it ran. A failed step does not keep the later ones
 * from running. Logs and screenshots are in `test-results/`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildInterface, buildPrograms, wholeWorkspace } from './build.mjs';
import { Failure, ask, main, must, run } from './processes.mjs';
import { cargoEnv, prepare, root } from './setup.mjs';

const results = join(root, 'test-results');

/**
 * The order: what is quick and often wrong first, then what compiles, then what needs the compiled.
 * @type {Record<string, () => Promise<{ passed: number, failed: number, note?: string }>>}
 */
const steps = {
	scripts: nodeTests('scripts'),
	bench: nodeTests('bench/timeline'),
	rustfmt: check('cargo', ['fmt', '--all', '--check']),
	'npm-format': check('npm', ['run', '--silent', 'format:check']),
	'npm-lint': check('npm', ['run', '--silent', 'lint']),
	'npm-types': check('npm', ['run', '--silent', 'check']),
	'unit-tests': vitest('test:unit'),
	interface: worked(buildInterface),
	'page-tests': nodeTests('e2e/page'),
	licences: check('cargo', [
		'deny',
		'--log-level',
		'warn',
		'check',
		'--hide-inclusion-graph',
		'licenses',
		'bans',
		'sources'
	]),
	advisories,
	'npm-audit': npmAudit,
	clippy: check('cargo', ['clippy', ...tested(), '--all-targets', '--quiet', '--', '-D', 'warnings']),
	programs: worked(buildPrograms),
	'rust-tests': nextest,
	'doc-tests': docTests,
	bindings: unchanged('src/lib/backend/bindings', 'the types generated from Rust'),
	manifest: unchanged('Cargo.toml Cargo.lock', 'the manifest, which a build must not rewrite'),
	interop: nodeTests('e2e/interop'),
	window: nodeTests('e2e/window')
};

main(async () => {
	const { values: options } = parseArgs({ options: { only: { type: 'string' }, list: { type: 'boolean' } } });
	if (options.list) {
		console.log(Object.keys(steps).join('\n'));
		return 0;
	}
	const chosen = options.only?.split(',') ?? Object.keys(steps);
	const unknown = chosen.filter((name) => !(name in steps));
	if (unknown.length > 0) throw new Failure(`no such step: ${unknown.join(', ')}; see \`npm test -- --list\``);

	rmSync(results, { recursive: true, force: true });
	mkdirSync(results, { recursive: true });
	await prepare({ test: true });

	const total = { passed: 0, failed: 0 };
	const failures = [];
	for (const name of chosen) {
		console.log(`\n=== ${name}`);
		const begin = Date.now();
		const outcome = await steps[name](name).catch((error) => {
			console.error(error instanceof Failure ? `error: ${error.message}` : error);
			return { passed: 0, failed: 1 };
		});
		total.passed += outcome.passed;
		total.failed += outcome.failed;
		if (outcome.failed > 0) failures.push(`${name}: ${outcome.failed} failed`);
		const seconds = Math.round((Date.now() - begin) / 1000);
		console.log(`=== ${name}: ${outcome.note ?? `${outcome.passed} passed, ${outcome.failed} failed`} (${seconds} s)`);
	}
	if (failures.length > 0) console.log(`\nFailed steps (logs in test-results/):\n  ${failures.join('\n  ')}`);
	console.log(`\n${total.passed} passed, ${total.failed} failed`);
	return total.failed === 0 ? 0 : 1;
});

/** The cargo arguments of everything that is tested: as built, and with the generators of the TypeScript types. */
function tested() {
	return [...wholeWorkspace.slice(0, -1), `${wholeWorkspace.at(-1)},hugmedo-chat-core/ts`];
}

/** A program that is right or wrong as a whole. */
function check(command, args) {
	return async (name) => outcome(await run(command, args, { cwd: root, env: cargoEnv, log: log(name) }));
}

/** A preparation the later steps stand on. */
function worked(prepareIt) {
	return async () => {
		await prepareIt();
		return outcome(0);
	};
}

function outcome(exitCode) {
	return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function log(name) {
	return join(results, `${name}.log`);
}

/**
 * A list of vulnerabilities that could not be asked for. A developer may be without a network; where releases are made nothing
 * passes because nobody was asked.
 */
function unasked(note) {
	const fails = process.env.GITHUB_ACTIONS === 'true';
	return { passed: 0, failed: fails ? 1 : 0, note: `${fails ? 'failed' : 'skipped'}: ${note}` };
}

/** Known vulnerabilities, wherever the list of them can be fetched. */
async function advisories(name) {
	const fetched = ask('cargo', ['deny', 'fetch', 'db'], {
		cwd: root,
		env: { ...cargoEnv, GIT_TERMINAL_PROMPT: '0' },
		timeout: 60_000
	});
	if (fetched === null) return unasked('the advisory database cannot be reached');
	return check('cargo', ['deny', '--log-level', 'warn', 'check', '--hide-inclusion-graph', 'advisories'])(name);
}

/** The same for npm packages: whatever is high or critical, wherever the registry can be asked. */
async function npmAudit() {
	const { stdout } = spawnSync('npm', ['audit', '--json'], {
		cwd: root,
		encoding: 'utf8',
		timeout: 60_000,
		shell: platform() === 'win32'
	});
	const levels = JSON.parse(stdout || '{}').metadata?.vulnerabilities;
	if (!levels) return unasked('the registry cannot be asked');
	if (levels.high + levels.critical === 0) return outcome(0);
	console.log(stdout);
	return outcome(1);
}

async function nextest(name) {
	// nextest keeps its reports in the workspace, wherever the target directory is.
	const report = join(root, 'target', 'nextest', 'default', 'junit.xml');
	rmSync(report, { force: true });
	const filter = [];
	if (platform() === 'linux' && !(existsSync('/usr/lib/postgresql') && existsSync('/usr/bin/redis-server'))) {
		console.log('skipped: the tests of several servers, which need Postgres and Redis');
		filter.push('-E', 'not binary(postgres)');
	}
	const exitCode = await run('cargo', ['nextest', 'run', ...tested(), '--no-fail-fast', ...filter], {
		cwd: root,
		env: cargoEnv,
		log: log(name)
	});
	// Attribute by attribute: their order and number differ between versions.
	const [suites] = read(report).match(/<testsuites[^>]*>/) ?? [''];
	const [tests, failures, errors] = ['tests', 'failures', 'errors'].map(
		(name) => suites.match(new RegExp(` ${name}="(\\d+)"`))?.[1]
	);
	return counted(exitCode, Number(tests) - Number(failures) - Number(errors), Number(failures) + Number(errors));
}

async function docTests(name) {
	const exitCode = await run('cargo', ['test', ...tested(), '--doc', '--quiet', '--no-fail-fast'], {
		cwd: root,
		env: cargoEnv,
		log: log(name)
	});
	const found = [...read(log(name)).matchAll(/^test result: .* (\d+) passed; (\d+) failed/gm)];
	const sum = (group) => found.reduce((total, match) => total + Number(match[group]), 0);
	return counted(exitCode, sum(1), sum(2), { mayBeEmpty: true });
}

function vitest(script) {
	return async (name) => {
		const report = join(results, `${name}.json`);
		const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
		const exitCode = await run('npm', ['run', '--silent', script, '--', ...reporters], { cwd: root, log: log(name) });
		const { numPassedTests, numFailedTests } = existsSync(report) ? JSON.parse(read(report)) : {};
		return counted(exitCode, numPassedTests, numFailedTests);
	};
}

/** Tests on Node's own runner, one file after the other: they share the computer's display and ports. */
function nodeTests(folder) {
	return async (name) => {
		if (name === 'window' && platform() !== 'linux') {
			return { passed: 0, failed: 0, note: 'skipped: the tests of the real window need Linux' };
		}
		const report = join(results, `${name}.tap`);
		const files = readdirSync(join(root, folder))
			.filter((file) => file.endsWith('.test.mjs'))
			.sort();
		const args = [
			'--test',
			'--test-concurrency=1',
			'--test-reporter=spec',
			'--test-reporter-destination=stdout',
			'--test-reporter=tap',
			`--test-reporter-destination=${report}`,
			...files.map((file) => join(folder, file))
		];
		const exitCode = await run('node', args, { cwd: root, env: cargoEnv, log: log(name) });
		const count = (what) => Number(read(report).match(new RegExp(`^# ${what} (\\d+)$`, 'm'))?.[1]);
		return counted(exitCode, count('pass'), count('fail') + count('cancelled'));
	};
}

/** A runner's count; a runner that failed without saying in which test, or ran none at all, is one failure. */
function counted(exitCode, passed, failed, { mayBeEmpty = false } = {}) {
	const known = Number.isFinite(passed) && Number.isFinite(failed);
	const atFault = exitCode !== 0 || (!mayBeEmpty && !(passed > 0));
	return { passed: known ? passed : 0, failed: Math.max(known ? failed : 0, atFault ? 1 : 0) };
}

/** Files in the repository that an earlier step wrote anew and that must come out as they are committed. */
function unchanged(paths, what) {
	return async () => {
		const changed = ask('git', ['status', '--porcelain', '--', ...paths.split(' ')], { cwd: root });
		if (changed === null) return { passed: 0, failed: 0, note: 'skipped: this is not a git clone' };
		if (changed === '') return outcome(0);
		console.error(`${what} differ from what is committed:\n${changed}`);
		await must('git', ['--no-pager', 'diff', '--stat', '--', ...paths.split(' ')], { cwd: root });
		return outcome(1);
	};
}

function read(path) {
	return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
