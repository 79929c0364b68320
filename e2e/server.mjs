/** The real server as a process of its own, with the sample people and rooms, and a person's HTTP calls to it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { programs } from '../scripts/build.mjs';
import { Companion } from '../scripts/processes.mjs';

/** Everyone's password in the sample data. */
export const password = 'hugmedo-demo';

export class Server {
	#process;

	/** Where it listens, such as `http://127.0.0.1:4000`. */
	address;

	/**
	 * @param {string} folder holds its data and its log
	 * @param {{ port?: number }} [options] `port`: listen there again, as a server that was restarted does
	 */
	static async start(folder, { port = 0 } = {}) {
		const server = new Server();
		server.folder = folder;
		mkdirSync(folder, { recursive: true });
		server.#process = Companion.start(
			'the server',
			programs.server,
			['serve', '--demo', '--demo-quiet', '--listen', `127.0.0.1:${port}`, '--data-dir', join(folder, 'data')],
			{ log: join(folder, 'server.log') }
		);
		[, server.address] = await server.#process.line(1, /^listening on (http:\S+)$/, 60);
		return server;
	}

	get pid() {
		return this.#process.pid;
	}

	get port() {
		return Number(new URL(this.address).port);
	}

	stop() {
		return this.#process.stop();
	}

	/** Ends it without any farewell, as a power cut does. */
	kill() {
		return this.#process.kill();
	}

	/** The same data at the same address again. */
	restart() {
		return Server.start(this.folder, { port: this.port });
	}

	/** The server's command line over the same data. @returns {string} what it prints */
	administer(...args) {
		const done = spawnSync(programs.server, [...args, '--data-dir', join(this.folder, 'data')], { encoding: 'utf8' });
		if (done.status !== 0) throw new Error(`${args.join(' ')}: ${done.stderr}`);
		return done.stdout;
	}

	/** Signs a sample person in over HTTP. */
	async signIn(username) {
		const { body } = await this.call('POST', '/api/login', { body: { username, password } });
		return { token: body.accessToken, user: body.user };
	}

	/** One HTTP call; `status` and the parsed `body`. */
	async call(method, path, { token, body } = {}) {
		const response = await fetch(this.address + path, {
			method,
			headers: {
				...(body && { 'content-type': 'application/json' }),
				...(token && { authorization: `Bearer ${token}` })
			},
			body: body && JSON.stringify(body)
		});
		const text = await response.text();
		return { status: response.status, body: text ? JSON.parse(text) : undefined };
	}
}
