import { beforeEach, describe, expect, test } from 'vitest';
import { BackendError } from '$lib/backend/backend';
import type { ConnectionSettings } from '$lib/backend/bindings/ConnectionSettings';
import type { ErrorCode } from '$lib/backend/bindings/ErrorCode';
import { DEFAULT_CONNECTION } from '$lib/backend/connection';
import { ConnectionForm } from './connection-form.svelte';

let form: ConnectionForm;
let inForce: ConnectionSettings[];
let refusal: ErrorCode | null;

beforeEach(() => {
	inForce = [];
	refusal = null;
	form = new ConnectionForm({ ...DEFAULT_CONNECTION, proxy: 'http://old.example.jp:8080' }, async (settings) => {
		if (refusal) throw new BackendError(refusal, 'refused', false);
		inForce.push(settings);
	});
});

describe('the connection settings', () => {
	test('are in force once they are saved, in the units of core', async () => {
		Object.assign(form.fields, {
			proxy: ' http://proxy.example.jp:3128 ',
			timeoutMs: '7.5',
			reconnectionAttempts: '５'
		});
		expect([form.changed, inForce]).toEqual([true, []]);
		expect(await form.save()).toBe(true);
		expect(inForce).toEqual([
			{ ...DEFAULT_CONNECTION, proxy: 'http://proxy.example.jp:3128', timeoutMs: 7_500, reconnectionAttempts: 5 }
		]);
		expect([form.changed, form.outcome]).toEqual([false, 'saved']);
		await form.save();
		expect([form.outcome, inForce.length], 'nothing to reconnect for').toEqual(['unchanged', 1]);
	});

	test.each([
		['reconnectionAttempts', '2.5', 'range'],
		['reconnectionAttempts', '-1', 'range'],
		['timeoutMs', '0', 'range'],
		['timeoutMs', '', 'range'],
		['timeoutMs', '1e3', 'range'],
		['reconnectionDelayMs', 'soon', 'range'],
		['reconnectionDelayMaxMs', '601', 'range']
	] as const)('refuse %s = %j at its field, and save nothing', async (field, text, problem) => {
		form.fields[field] = text;
		expect(await form.save()).toBe(false);
		expect([form.problems, inForce]).toEqual([{ [field]: problem }, []]);
	});

	test('refuse a longest wait that is shorter than the first', async () => {
		Object.assign(form.fields, { reconnectionDelayMs: '10', reconnectionDelayMaxMs: '5' });
		await form.save();
		expect([form.problems, inForce]).toEqual([{ reconnectionDelayMaxMs: 'belowDelay' }, []]);
	});

	test.each([
		['invalidProxy', 'proxy'],
		['invalidCaFile', 'caFile']
	] as const)("show core's %s at its field, and keep what was typed", async (code, field) => {
		refusal = code;
		form.fields[field] = 'typed';
		expect(await form.save()).toBe(false);
		expect([form.problems, form.fields[field], form.outcome]).toEqual([{ [field]: code }, 'typed', null]);
		form.input(field);
		expect(form.problems[field]).toBeUndefined();
	});

	test('show any other failure for the whole', async () => {
		refusal = 'storeFailed';
		form.fields.proxy = '';
		await form.save();
		expect([form.problem, form.problems]).toEqual(['storeFailed', {}]);
	});

	test('go back to what the app came with only when that is saved', async () => {
		form.reset();
		expect([form.isDefault, form.changed, inForce]).toEqual([true, true, []]);
		await form.save();
		expect(inForce).toEqual([DEFAULT_CONNECTION]);
	});
});
