/**
 * `npm run bench:start`: how large the app is as it is shipped, and how soon its window shows something.
 *
 *     npm run tauri build -- --bundles deb && npm run bench:start [-- --times 10]
 *
 * What is measured is the program in the newest .deb, unpacked. Each start is on a desktop that has run for a while, with a data folder
 * of its own; the first one is thrown away, because it reads the program from the disk. Time is from the start of the process to
 * the first look at the screen that finds a picture in the window. A look takes a while itself; how long is told. See ../README.md.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { newestPackage } from '../../scripts/build.mjs';
import { Desktop } from '../../scripts/desktop.mjs';
import { Companion, main, must, stopAll } from '../../scripts/processes.mjs';
import { prepare, targetDir } from '../../scripts/setup.mjs';
import { percentile } from '../timeline/figures.mjs';

/** The pause between two looks at the screen. */
const PAUSE_MS = 10;

main(async () => {
	const { values: options } = parseArgs({ options: { times: { type: 'string', default: '10' } } });
	await prepare({ virtualDesktop: true });
	const shipped = newestPackage(join(targetDir, 'release', 'bundle', 'deb'), 'hugmedo-chat_');

	const folder = mkdtempSync(join(tmpdir(), 'hugmedo-start-'));
	const starts = [];
	try {
		await must('dpkg-deb', ['--extract', shipped, join(folder, 'unpacked')]);
		const program = join(folder, 'unpacked', 'usr', 'bin', 'hugmedo-chat');
		const desktop = await Desktop.start(folder);
		for (let number = 0; number <= Number(options.times); number++) {
			const one = await start(desktop, program, join(folder, `data-${number}`));
			if (number > 0) starts.push(one);
		}
		await desktop.stop();
		const mib = (file) => `${(statSync(file).size / 1024 / 1024).toFixed(1)} MiB`;
		const spread = (what) => {
			const values = starts.map((one) => one[what]);
			return [0.5, 1].map((part) => `${Math.round(percentile(values, part))} ms`).join(', ');
		};
		console.log(`\n| ${basename(shipped)} | |\n|---|---|
| package | ${mib(shipped)} |
| program in it | ${mib(program)} |
| start to a painted window, median and slowest of ${starts.length} | ${spread('took')} |
| the end of it in which it may have been painted already, median and longest | ${spread('unsure')} |`);
	} finally {
		await stopAll();
		rmSync(folder, { recursive: true, force: true });
	}
	return 0;
});

/** Starts it once. `unsure`: since when the last look before began, which found nothing. */
async function start(desktop, program, dataDir) {
	const began = performance.now();
	const app = Companion.start('the app', program, ['--data-dir', dataDir], { env: desktop.env });
	let lookedBefore = began;
	try {
		for (;;) {
			const looks = performance.now();
			const [window] = desktop.windowsOf(app.pid);
			if (window && desktop.isPainted(window)) {
				const seen = performance.now();
				return { took: seen - began, unsure: seen - lookedBefore };
			}
			lookedBefore = looks;
			if (looks - began > 60_000) throw new Error('no window within a minute');
			await new Promise((later) => setTimeout(later, PAUSE_MS));
		}
	} finally {
		await app.stop();
	}
}
