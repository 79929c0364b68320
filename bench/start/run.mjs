/**
 * `npm run bench:start`: how large the app is as it is shipped, and how soon its window shows something.
 *
 *     npm run bench:start [-- --times 10]
 *
 * It builds the app as a release does (thin LTO, one codegen unit, stripped), which takes long. Each start is on a desktop that has
 * run for a while, with a data folder of its own; the first one is thrown away, because it reads the program from the disk. Time is
 * from the start of the process to the first moment at which the window on the screen is a picture. See ../README.md.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildInterface } from '../../scripts/build.mjs';
import { Desktop } from '../../scripts/desktop.mjs';
import { Companion, main, must, stopAll } from '../../scripts/processes.mjs';
import { cargoEnv, prepare, root, targetDir } from '../../scripts/setup.mjs';
import { percentile } from '../timeline/figures.mjs';

/** How often the screen is looked at. */
const LOOK_MS = 10;

main(async () => {
	const { values: options } = parseArgs({ options: { times: { type: 'string', default: '10' } } });
	await prepare({ test: true });
	await buildInterface();
	const built = ['--package', 'hugmedo-chat', '--locked', '--features', 'tauri/custom-protocol', '--bins'];
	await must('cargo', ['build', '--release', ...built], { cwd: root, env: cargoEnv });
	const program = join(targetDir, 'release', 'hugmedo-chat');

	const folder = mkdtempSync(join(tmpdir(), 'hugmedo-start-'));
	const took = [];
	try {
		const desktop = await Desktop.start(folder);
		for (let number = 0; number <= Number(options.times); number++) {
			const milliseconds = await start(desktop, program, join(folder, `data-${number}`));
			if (number > 0) took.push(milliseconds);
		}
		await desktop.stop();
	} finally {
		await stopAll();
		rmSync(folder, { recursive: true, force: true });
	}
	const ms = (part) => `${Math.round(percentile(took, part))} ms`;
	console.log(`\n| the app as shipped | |\n|---|---|
| program | ${(statSync(program).size / 1024 / 1024).toFixed(1)} MiB |
| start to a painted window, median of ${took.length} (slowest) | ${ms(0.5)} (${ms(1)}) |`);
	return 0;
});

async function start(desktop, program, dataDir) {
	const began = performance.now();
	const app = Companion.start('the app', program, ['--data-dir', dataDir], { env: desktop.env });
	try {
		for (;;) {
			const [window] = desktop.windowsOf(app.pid);
			if (window && desktop.isPainted(window)) return performance.now() - began;
			if (performance.now() - began > 60_000) throw new Error('no window within a minute');
			await new Promise((later) => setTimeout(later, LOOK_MS));
		}
	} finally {
		await app.stop();
	}
}
