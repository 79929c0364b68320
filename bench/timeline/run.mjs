/**
 * `npm run bench:timeline`: a long room on screen, in HugMeDo Chat's own window and in the guide's page, one after the other
 * in one run, on the same words at the same pace. Prints a Markdown table, and fails if one of our goals was missed. See ../README.md
 * for what to know of the figures.
 *
 *     npm run bench:timeline [-- --messages 100000] [--target FOLDER]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildInterface } from '../../scripts/build.mjs';
import { main, must, stopAll } from '../../scripts/processes.mjs';
import { cargoEnv, prepare, root, targetDir } from '../../scripts/setup.mjs';
import { spread } from './figures.mjs';
import { Guide } from './guide.mjs';
import { Ours, useReleasePrograms } from './ours.mjs';
import { report } from './report.mjs';
import { WORDS, paceOf } from './traffic.mjs';

/** The programs are optimised, but not as long as those that are shipped. */
const QUICKER_BUILD = {
	CARGO_PROFILE_RELEASE_LTO: 'off',
	CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
	CARGO_PROFILE_RELEASE_OPT_LEVEL: '2'
};
/** So often, or as often as fits into a minute. */
const OPENED = { times: 15, milliseconds: 60_000 };
const SCROLLED = { pixels: 120, milliseconds: 15_000 };
const TALKED = { words: 'abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz ', perSecond: 50, seconds: 12 };
const PREPENDED = { times: 100 };
const SEARCHED = { times: 50 };

main(async () => {
	const { values: options } = parseArgs({ options: { messages: { type: 'string', default: '100000' } } });
	const most = Number(options.messages);
	await prepare({ test: true });
	await buildInterface();
	const programs = ['--workspace', '--locked', '--features', 'tauri/custom-protocol', '--bins'];
	await must('cargo', ['build', '--release', ...programs], { cwd: root, env: { ...cargoEnv, ...QUICKER_BUILD } });
	const release = join(targetDir, 'release');
	useReleasePrograms(release);

	const folder = mkdtempSync(join(tmpdir(), 'hugmedo-timeline-'));
	const figures = [];
	try {
		for (const start of [() => Ours.start(folder, join(release, 'reliability')), () => Guide.start(folder)]) {
			const program = await start();
			try {
				figures.push(await measure(program, [most / 100, most / 10, most]));
			} finally {
				await program.stop();
			}
		}
	} finally {
		await stopAll();
		rmSync(folder, { recursive: true, force: true });
	}
	const { table, missed } = report(figures, TALKED);
	console.log(`\n${table}`);
	if (missed.length > 0) console.log(`\nMissed: ${missed.join('; ')}`);
	return missed.length > 0 ? 1 : 0;
});

/** Everything there is to measure of one program, over histories of these lengths. */
async function measure(program, counts) {
	const found = { name: program.name, open: {}, memory: {} };
	for (const count of counts) {
		console.log(`${program.name}: ${count.toLocaleString('en')} messages`);
		await program.fill(count);
		const began = performance.now();
		found.open[count] = [];
		do found.open[count].push(await program.open());
		while (found.open[count].length < OPENED.times && performance.now() - began < OPENED.milliseconds);
		found.memory[count] = program.memory();
		console.log(`  opened in ${spread(found.open[count])}, ${Math.round(found.memory[count])} MiB`);
	}
	found.scroll = await program.scroll(SCROLLED.pixels, SCROLLED.milliseconds);
	console.log(`  scrolled, ${spread(found.scroll.frames)} a frame`);
	found.prepend = await program.prepend?.(PREPENDED.times);
	if (found.prepend) console.log(`  history came above, ${spread(found.prepend.frames)} a frame`);
	found.memoryScrolled = program.memory();
	await program.open();
	const began = performance.now();
	const { spoken, shown, ...typed } = await program.type(TALKED.words, TALKED.perSecond, TALKED.seconds);
	found.typed = (performance.now() - began) / 1000;
	found.type = typed;
	found.spoken = spoken;
	found.shown = paceOf(shown);
	console.log(`  typed, ${spread(typed.keys)} a key, ${found.shown.toFixed(1)} messages a second`);
	if (program.search) {
		found.search = { found: {} };
		for (const [kind, word] of Object.entries(WORDS)) {
			const { took, hits } = await program.search(word, SEARCHED.times);
			found.search[kind] = took;
			found.search.found[kind] = hits;
			console.log(`  searched for what is ${kind}, ${spread(took)}`);
		}
	}
	return found;
}
