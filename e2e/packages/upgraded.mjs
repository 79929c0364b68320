/**
 * Someone at a computer across an upgrade of the packages, run inside of the clean system: signs in and writes with the version
 * before, and finds the session and what was said with the one after.
 *
 *     node upgraded.mjs before FOLDER     node upgraded.mjs after FOLDER
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stopAll } from '../../scripts/processes.mjs';
import { Server } from '../server.mjs';
import { Computer } from '../window/computer.mjs';

const [phase, folder] = process.argv.slice(2);
const portFile = join(folder, 'port');
const said = '更新の前に書きました';
let sato;
try {
	const port = phase === 'after' ? Number(readFileSync(portFile, 'utf8')) : 0;
	const server = await Server.start(join(folder, 'server'), { port });
	sato = await Computer.start(join(folder, 'sato'));
	await sato.openApp();
	if (phase === 'before') {
		writeFileSync(portFile, String(server.port));
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.openRoom('general');
		await sato.send(said);
		await sato.message(said, (row) => row.own && row.delivery !== 'queued' && row.delivery !== 'sending');
	} else {
		// Nobody signs in.
		await sato.isLive();
		await sato.openRoom('general');
		await sato.message(said);
	}
	await sato.closeApp();
	console.log(`${phase}: as it should be`);
} finally {
	await sato?.stop();
	await stopAll();
}
