/** What a group of window tests plays on: a temporary folder, servers and computers, all gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopAll } from '../../scripts/processes.mjs';
import { Server } from '../server.mjs';
import { Computer } from './computer.mjs';

export class Stage {
	#computers = [];

	/** Holds everything that anything on this stage writes. */
	folder = mkdtempSync(join(tmpdir(), 'hugmedo-window-'));

	server() {
		return Server.start(join(this.folder, 'server'));
	}

	/** @param {string} name whose computer it is */
	async computer(name, options) {
		const computer = await Computer.start(join(this.folder, name), options);
		this.#computers.push(computer);
		return computer;
	}

	async clear() {
		await Promise.allSettled(this.#computers.map((computer) => computer.stop()));
		await stopAll();
		rmSync(this.folder, { recursive: true, force: true });
	}
}
