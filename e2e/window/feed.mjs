/**
 * Where newer versions come from: a feed on this computer, the key of a release and another one, and a program of this system that
 * stands for the app's own file.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { root } from '../../scripts/setup.mjs';

const run = (command, ...args) => execFileSync(command, args, { stdio: 'pipe' });
/** Tauri's own tool, as a release uses it. */
const tauri = (...args) => run(join(root, 'node_modules', '.bin', 'tauri'), ...args);

export class Feed {
	#server;
	#folder;
	/** What the feed announces. */
	#announced = null;

	/** What it hands out. */
	handed = Buffer.concat([readFileSync('/bin/false'), Buffer.from('99.0.0')]);
	/** Whether it stops in the middle of that. */
	cutOff = false;
	/** The paths that were asked for. @type {string[]} */
	asked = [];

	/**
	 * @param {string} folder holds the keys and the app's file
	 * @param {{ encrypted?: boolean }} [options] `encrypted`: by HTTPS, under a certificate of its own, at `certificate`
	 */
	static async start(folder, { encrypted = false } = {}) {
		const feed = new Feed();
		feed.#folder = folder;
		mkdirSync(folder, { recursive: true });
		for (const key of ['ours', 'theirs']) {
			tauri('signer', 'generate', '--ci', '--password', '', '--write-keys', join(folder, key));
		}
		feed.target = join(folder, 'HugMeDo.AppImage');
		copyFileSync('/bin/true', feed.target);
		chmodSync(feed.target, 0o755);
		const answer = (request, response) => feed.#answer(request, response);
		feed.#server = encrypted ? https.createServer(feed.#certified(), answer) : http.createServer(answer);
		await new Promise((listening) => feed.#server.listen(0, '127.0.0.1', listening));
		feed.address = `${encrypted ? 'https' : 'http'}://127.0.0.1:${feed.#server.address().port}`;
		return feed;
	}

	/** What a build that was made for this feed has. */
	get build() {
		return {
			HUGMEDO_CHAT_UPDATE_KEY: readFileSync(join(this.#folder, 'ours.pub'), 'utf8').trim(),
			HUGMEDO_CHAT_UPDATE_FEED: `${this.address}/{channel}.json`,
			HUGMEDO_CHAT_UPDATE_TARGET: this.target
		};
	}

	/** Signs bytes as a version, with the key of this name. */
	sign(bytes, version, key = 'ours') {
		const file = join(this.#folder, 'artifact');
		writeFileSync(file, bytes);
		const secret = ['--private-key-path', join(this.#folder, key), '--password', ''];
		tauri('signer', 'sign', ...secret, '--app-version', version, file);
		return readFileSync(`${file}.sig`, 'utf8');
	}

	/** Announces what is handed out as a version. */
	announce(version, signature = this.sign(this.handed, version)) {
		const url = `${this.address}/app`;
		this.#announced = {
			version,
			platforms: { 'linux-x86_64': { url, signature }, 'linux-aarch64': { url, signature } }
		};
	}

	/** Whether the app's file is now this. */
	isInPlace(bytes = this.handed) {
		return readFileSync(this.target).equals(bytes);
	}

	isUntouched(bytes = readFileSync('/bin/true')) {
		assert.ok(this.isInPlace(bytes), 'the app is as it was');
	}

	stop() {
		this.#server.close();
		this.#server.closeAllConnections();
	}

	#answer(request, response) {
		this.asked.push(request.url);
		if (request.url.endsWith('.json')) response.end(JSON.stringify(this.#announced));
		else if (!this.cutOff) response.end(this.handed);
		else {
			response.writeHead(200, { 'content-length': this.handed.length });
			response.write(this.handed.subarray(0, this.handed.length / 2), () => response.destroy());
		}
	}

	#certified() {
		const key = join(this.#folder, 'feed.key');
		this.certificate = join(this.#folder, 'feed.pem');
		const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', key];
		const named = [
			'-subj',
			'/CN=feed',
			'-addext',
			'subjectAltName=IP:127.0.0.1',
			'-days',
			'2',
			'-out',
			this.certificate
		];
		run('openssl', 'req', '-x509', ...made, ...named);
		return { key: readFileSync(key), cert: readFileSync(this.certificate) };
	}
}
