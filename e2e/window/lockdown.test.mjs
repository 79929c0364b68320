/** What a script that got into the page could do: nothing that the app itself does not offer. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { keepEvidence } from './computer.mjs';
import { Stage } from './stage.mjs';

describe('the page', () => {
	const stage = new Stage();
	let server, sato, listener, visits;

	before(async () => {
		server = await stage.server();
		sato = await stage.computer('sato');
		await sato.openApp();
		await sato.signIn(server, 'sato', 'hugmedo-demo');
		visits = [];
		listener = createServer((request, response) => {
			visits.push(request.url);
			response.writeHead(200, { 'access-control-allow-origin': '*' }).end('seen');
		});
		await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
	});
	afterEach((context) => keepEvidence(context, { sato }));
	after(async () => {
		listener.close();
		await stage.clear();
	});

	const invoke = (command, args = {}) =>
		sato.page.run(
			`function (command, args) {
				return window.__TAURI_INTERNALS__.invoke(command, args).then(
					(answer) => ({ done: true, answer }),
					(error) => ({ done: false, error: typeof error === 'string' ? error : JSON.stringify(error) })
				);
			}`,
			command,
			args
		);

	test('commands that nobody granted are refused', async () => {
		for (const command of [
			'read_token',
			'plugin:event|listen',
			'plugin:window|close',
			'plugin:webview|create_webview_window',
			'plugin:app|version',
			'plugin:path|resolve_directory',
			'plugin:notification|notify',
			'plugin:fs|read_text_file',
			'plugin:shell|execute'
		]) {
			const { done, error } = await within(5, invoke(command, { path: '/etc/passwd' }), {
				done: false,
				error: 'no answer'
			});
			assert.equal(done, false, `${command} was answered`);
			assert.ok(error, command);
		}
	});

	test('a command with an argument of the wrong shape is refused, and the app lives on', async () => {
		for (const args of [{}, { roomId: 7, before: 'x' }, { roomId: null }]) {
			const { done } = await within(5, invoke('load_earlier', args), { done: false });
			assert.equal(done, false);
		}
		await sato.isLive();
	});

	test('the page reaches no address, by whatever way', async () => {
		const address = `http://127.0.0.1:${listener.address().port}`;
		const outcome = await sato.page.run(
			`function (address) {
				const timeout = new Promise((resolve) => setTimeout(resolve, 1500, 'no answer'));
				const tries = {
					fetch: () => fetch(address + '/fetch').then(() => 'reached', () => 'blocked'),
					beacon: async () => (navigator.sendBeacon(address + '/beacon'), 'asked'),
					xhr: () => new Promise((resolve) => {
						const request = new XMLHttpRequest();
						request.onload = () => resolve('reached');
						request.onerror = () => resolve('blocked');
						request.open('GET', address + '/xhr');
						request.send();
					}),
					socket: () => new Promise((resolve) => {
						const socket = new WebSocket(address.replace('http', 'ws') + '/socket');
						socket.onopen = () => resolve('reached');
						socket.onerror = () => resolve('blocked');
					}),
					image: () => new Promise((resolve) => {
						const image = new Image();
						image.onload = () => resolve('reached');
						image.onerror = () => resolve('blocked');
						image.src = address + '/image';
					}),
					script: () => new Promise((resolve) => {
						const script = document.createElement('script');
						script.onload = () => resolve('reached');
						script.onerror = () => resolve('blocked');
						script.src = address + '/script';
						document.head.append(script);
					}),
					frame: () => new Promise((resolve) => {
						const frame = document.createElement('iframe');
						frame.src = address + '/frame';
						document.body.append(frame);
						setTimeout(() => (frame.remove(), resolve('asked')), 500);
					}),
					form: () => new Promise((resolve) => {
						const form = document.createElement('form');
						form.action = address + '/form';
						document.body.append(form);
						form.submit();
						setTimeout(() => (form.remove(), resolve('asked')), 500);
					})
				};
				const run = (go) => Promise.race([Promise.resolve().then(go).catch(() => 'blocked'), timeout]);
				return Promise.all(Object.entries(tries).map(async ([name, go]) => [name, await run(go)])).then(Object.fromEntries);
			}`,
			address
		);
		for (const [way, result] of Object.entries(outcome)) assert.notEqual(result, 'reached', way);
		assert.deepEqual(visits, [], 'nothing arrived');
	});

	test('the page neither holds a token nor can ask for one', async () => {
		const found = await sato.page.run(`function () {
			return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, Object.keys(window)]);
		}`);
		assert.doesNotMatch(found, /token|refresh|bearer|eyJ/i);
	});

	test('the page cannot leave the app', async () => {
		const before = await sato.page.run('function () { return location.href; }');
		await sato.page.run(
			`function (address) { location.href = address; window.open(address); }`,
			`http://127.0.0.1:${listener.address().port}/gone`
		);
		await sato.isLive();
		assert.equal(await sato.page.run('function () { return location.href; }'), before);
		assert.deepEqual(visits, []);
	});
});

function within(seconds, promise, otherwise) {
	let timer;
	const late = new Promise((resolve) => (timer = setTimeout(resolve, seconds * 1000, otherwise)));
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
