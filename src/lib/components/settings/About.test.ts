import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { stage } from '../testing/stage';
import About from './About.svelte';

/** What is told, by what it is told of. */
const told = () =>
	Object.fromEntries(
		Array.from(screen.getByTestId('versions').querySelectorAll('dt'), (term) => [
			term.textContent,
			term.nextElementSibling?.textContent
		])
	);

test('the versions of all that runs are told: app, protocol, server, database, engine and system', async () => {
	const { show } = await stage();
	show(About, {});
	await expect.poll(told).toEqual({
		'HugMeDo Chat': expect.stringMatching(/^\d+\.\d+\.\d+ \(protocol 1\)$/),
		Server: 'protocol 1',
		'Database on this computer': 'schema 10',
		'Page engine': '2.50.6',
		System: 'linux x86_64'
	});
});

test('what a server speaks is told once it has said so', async () => {
	const { show, backend } = await stage('state=offline');
	show(About, {});
	await expect.poll(() => told().System).toBe('linux x86_64');
	expect(told().Server).toBe('not known before it is connected');
	backend.setOnline(true);
	await expect.poll(() => told().Server).toBe('protocol 1');
});

test('a baseline server tells no version', async () => {
	const { show } = await stage('state=baseline');
	show(About, {});
	await expect.poll(() => told().System).toBe('linux x86_64');
	expect(told().Server).toBe('the baseline only, which tells no version');
});
