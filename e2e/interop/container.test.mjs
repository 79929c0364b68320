/**
 * The container's recipe, without a container: the server is started with the settings that the image and the compose files give it.
 * Where it keeps its data and which port it takes are the test's; where its database and its Redis are is left out.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { programs } from '../../scripts/build.mjs';
import { Companion, stopAll } from '../../scripts/processes.mjs';
import { root } from '../../scripts/setup.mjs';

const recipe = (name) => readFileSync(join(root, 'crates', 'server', 'container', name), 'utf8');
const image = recipe('Containerfile');
const folder = mkdtempSync(join(tmpdir(), 'hugmedo-container-'));

/** What the image says, and what a compose file adds. */
const settings = Object.fromEntries(
	image
		.match(/^ENV (.+)$/m)[1]
		.split(' ')
		.map((one) => one.split('='))
);
const added = (compose) =>
	Object.fromEntries([...compose.matchAll(/^ +(HUGMEDO_CHAT_\w+): '(.*)'$/gm)].map(([, name, value]) => [name, value]));

function start(environment) {
	const args = JSON.parse(image.match(/^CMD (.+)$/m)[1]);
	return Companion.start('the server', programs.server, args, {
		env: {
			...process.env,
			...environment,
			HUGMEDO_CHAT_DATA_DIR: folder,
			HUGMEDO_CHAT_LISTEN: settings.HUGMEDO_CHAT_LISTEN.replace(/\d+$/, '0')
		}
	});
}

after(async () => {
	await stopAll();
	rmSync(folder, { recursive: true, force: true });
});

for (const name of ['compose.yaml', 'compose.nodes.yaml']) {
	test(`as ${name} runs it, the server starts and is ready, and its port is this computer’s alone`, async () => {
		const compose = recipe(name);
		const server = start({ ...settings, ...added(compose) });
		const [, port] = await server.line(1, /^listening on http:.*:(\d+)$/, 60);
		assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
		const ports = [...compose.matchAll(/^ +ports: (.+)$/gm)].map(([, ports]) => ports);
		assert.ok(ports.length > 0 && ports.every((ports) => /^\['127\.0\.0\.1:\d+:3011'\]$/.test(ports)), String(ports));
		await server.stop();
	});
}

test('the image by itself refuses to speak plain HTTP to everyone', async () => {
	const server = start(settings);
	assert.equal(await server.exited, 1);
	assert.match(server.tail, /could be read by others/);
});
