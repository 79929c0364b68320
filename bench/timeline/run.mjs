/**
 * `npm run bench:timeline`: a long room on screen, in HugMeDo Chat's own window and in the guide's page, one after the other
 * in one run, on the same words at the same pace. Prints Markdown tables. See ../README.md for what to know of the figures.
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
import { ms, percentile, spread } from './figures.mjs';
import { Guide } from './guide.mjs';
import { Ours, useReleasePrograms } from './ours.mjs';

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
const SEARCHED = { words: '酸素', times: 50 };

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
	print(figures);
	return 0;
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
	found.memoryScrolled = program.memory();
	console.log(`  scrolled, ${spread(found.scroll.frames)} a frame`);
	await program.open();
	const began = performance.now();
	found.type = await program.type(TALKED.words, TALKED.perSecond, TALKED.seconds);
	found.typed = (performance.now() - began) / 1000;
	console.log(`  typed, ${spread(found.type.keys)} a key`);
	found.search = await program.search?.(SEARCHED.words, SEARCHED.times);
	return found;
}

function print(figures) {
	const counts = Object.keys(figures[0].open);
	const row = (what, cell) => console.log(`| ${what} | ${figures.map(cell).join(' | ')} |`);
	const number = (count) => Number(count).toLocaleString('en');
	console.log(`\n| | ${figures.map(({ name }) => name).join(' | ')} |\n|---|${figures.map(() => '---|').join('')}`);
	for (const count of counts) row(`Opening a room of ${number(count)}`, ({ open }) => spread(open[count]));
	row('A frame while scrolling up', ({ scroll }) => spread(scroll.frames));
	row('Messages scrolled past in 15 s', ({ scroll }) => number(scroll.from - scroll.to));
	row('A frame while typing, 50 messages a second arriving', ({ type }) => spread(type.frames));
	row('From a key to its letter on screen meanwhile', ({ type }) => spread(type.keys));
	row('Until these 12 s were over on screen', ({ typed }) => `${typed.toFixed(0)} s`);
	row('Searching two characters', ({ search }) => (search ? spread(search) : 'not there'));
	for (const count of counts) row(`Memory with ${number(count)}`, ({ memory }) => `${Math.round(memory[count])} MiB`);
	row('Memory after scrolling', ({ memoryScrolled }) => `${Math.round(memoryScrolled)} MiB`);
	const [one, other] = figures.map(({ open }) => percentile(open[counts.at(-1)], 0.5));
	console.log(`\nOpening ${number(counts.at(-1))}: ${ms(one)} against ${ms(other)}, ${(other / one).toFixed(1)} times`);
}
