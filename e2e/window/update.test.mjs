/**
 * Newer versions, in the real window, from a feed on this computer: what is signed, newer and whole is offered and put in place;
 * anything else is refused and changes nothing.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../../scripts/processes.mjs';
import { root } from '../../scripts/setup.mjs';
import { keepEvidence, testid } from './computer.mjs';
import { Stage } from './stage.mjs';

/** Tauri's own tool, as a release uses it. */
const tauri = (...args) => execFileSync(join(root, 'node_modules', '.bin', 'tauri'), args, { stdio: 'pipe' });

describe('newer versions', () => {
	const stage = new Stage();
	/** @type {import('./computer.mjs').Computer} */ let sato;
	let server, feed, target, old;
	/** What the feed announces, and hands out. */
	let announced = null;
	let handed = Buffer.alloc(0);
	let cutOff = false;

	/** Signs bytes as a version, with the key of this name. */
	const signed = (bytes, version, key = 'ours') => {
		const file = join(stage.folder, 'artifact');
		writeFileSync(file, bytes);
		tauri(
			'signer',
			'sign',
			'--private-key-path',
			join(stage.folder, key),
			'--password',
			'',
			'--app-version',
			version,
			file
		);
		return readFileSync(`${file}.sig`, 'utf8');
	};
	const announce = (version, signature) => {
		const url = `http://127.0.0.1:${feed.address().port}/app`;
		announced = { version, platforms: { 'linux-x86_64': { url, signature }, 'linux-aarch64': { url, signature } } };
	};
	const look = async () => {
		await sato.click(testid('update-look'));
		await eventually(
			async () => (await sato.attribute(testid('update-look'), 'aria-busy')) !== 'true',
			30,
			'an answer'
		);
		return sato.attribute(testid('update-state'), 'data-state');
	};
	const isUntouched = () => assert.ok(readFileSync(target).equals(old), 'the app is as it was');

	before(async () => {
		mkdirSync(stage.folder, { recursive: true });
		for (const key of ['ours', 'theirs']) {
			tauri('signer', 'generate', '--ci', '--password', '', '--write-keys', join(stage.folder, key));
		}
		// Some program of this system stands for the app's own file.
		target = join(stage.folder, 'HugMeDo.AppImage');
		copyFileSync('/bin/true', target);
		chmodSync(target, 0o755);
		old = readFileSync(target);
		feed = createServer((request, response) => {
			if (request.url === '/stable.json') response.end(JSON.stringify(announced));
			else if (!cutOff) response.end(handed);
			else {
				response.writeHead(200, { 'content-length': handed.length });
				response.write(handed.subarray(0, handed.length / 2), () => response.destroy());
			}
		});
		await new Promise((listening) => feed.listen(0, '127.0.0.1', listening));
		server = await stage.server();
		sato = await stage.computer('sato', {
			env: {
				HUGMEDO_CHAT_UPDATE_KEY: readFileSync(join(stage.folder, 'ours.pub'), 'utf8').trim(),
				HUGMEDO_CHAT_UPDATE_FEED: `http://127.0.0.1:${feed.address().port}/{channel}.json`,
				HUGMEDO_CHAT_UPDATE_TARGET: target
			}
		});
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		await sato.isLive();
		await sato.click(testid('settings'));
		handed = Buffer.concat([readFileSync('/bin/false'), Buffer.from('99.0.0')]);
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		feed?.close();
		await stage.clear();
	});

	test('an older one, and this one again, is none', async () => {
		for (const version of ['0.0.9', JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version]) {
			announce(version, signed(handed, version));
			assert.equal(await look(), 'newest', version);
		}
		isUntouched();
	});

	test('one that was tampered with, is not signed, or is signed by someone else is refused', async () => {
		announce('99.0.0', signed(Buffer.concat([handed, Buffer.from('!')]), '99.0.0'));
		assert.equal(await look(), 'failed', 'other bytes than were signed');
		announce('99.0.0', '');
		assert.equal(await look(), 'failed', 'no signature');
		announce('99.0.0', signed(handed, '99.0.0', 'theirs'));
		assert.equal(await look(), 'failed', 'another key');
		isUntouched();
	});

	test('an old one that is announced as a newer one is refused', async () => {
		announce('99.0.0', signed(handed, '0.0.9'));
		assert.equal(await look(), 'failed');
		isUntouched();
	});

	test('one that comes half is refused', async () => {
		announce('99.0.0', signed(handed, '99.0.0'));
		cutOff = true;
		assert.equal(await look(), 'failed');
		cutOff = false;
		isUntouched();
	});

	test('one that cannot be put in place is said to have failed, and the app goes on as it was', async () => {
		const whole = handed;
		// Signed, and no program: it passes every check but the last, which is made when it is put in place.
		handed = Buffer.from('not a program');
		announce('99.0.0', signed(handed, '99.0.0'));
		assert.equal(await look(), 'ready');
		await sato.click(testid('update-begin'));
		await eventually(() => sato.sees(testid('update-problem')), 20, 'word of the failure');
		isUntouched();
		// The same page in the same window, which a fresh start would have ended; and core behind it still looks.
		handed = whole;
		announce('0.0.9', signed(handed, '0.0.9'));
		assert.equal(await look(), 'newest');
	});

	test('a signed newer one is offered, does not touch anything by that, and is put in place when the person says so', async () => {
		announce('99.0.0', signed(handed, '99.0.0'));
		assert.equal(await look(), 'ready');
		assert.match(await sato.text(testid('update-state')), /99\.0\.0/);
		isUntouched();
		await sato.click(testid('update-begin'));
		await eventually(() => readFileSync(target).equals(handed), 20, 'the newer version in its place');
	});

	test('the app has begun anew, signed in as before', async () => {
		// Its page ended with its process, and the driver's session with it.
		await sato.crashApp();
		await sato.openApp();
		await sato.isLive();
	});
});
