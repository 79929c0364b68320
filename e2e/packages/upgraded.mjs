/**
 * Someone at a computer across an upgrade of the packages, run inside of the clean system: signs in to the server that runs there
 * and writes with the version before, and finds the session and what was said with the one after.
 *
 *     node upgraded.mjs before|after FOLDER ADDRESS < PASSWORD
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stopAll } from '../../scripts/processes.mjs';
import { Computer } from '../window/computer.mjs';

const [phase, folder, address] = process.argv.slice(2);
const said = '更新の前に書きました';
let sato;
try {
	sato = await Computer.start(join(folder, 'sato'));
	await sato.openApp();
	// After it nobody signs in.
	if (phase === 'before') await sato.signIn({ address }, 'sato', readFileSync(0, 'utf8'));
	await sato.isLive();
	await sato.openRoom('ward-3');
	if (phase === 'before') await sato.send(said);
	await sato.message(said, (row) => row.own && row.delivery !== 'queued' && row.delivery !== 'sending');
	await sato.closeApp();
	console.log(`${phase}: as it should be`);
} finally {
	await sato?.stop();
	await stopAll();
}
