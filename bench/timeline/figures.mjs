/**
 * Numbers of a run: percentiles, and the memory of a program with all of its processes.
 *
 * Invariant: what was not measured is an error, never a figure.
 */
import { readFileSync } from 'node:fs';
import { Failure } from '../../scripts/processes.mjs';
import { family } from '../../e2e/window/memory.mjs';

/** The number, if it is one. @param {string} what for the error */
export function measured(value, what) {
	if (!Number.isFinite(value)) throw new Failure(`${what} was not measured (${value})`);
	return value;
}

/** The value below which a part (0 to 1) of all lies. */
export function percentile(values, part, what = 'one of the figures') {
	if (!(values?.length > 0)) throw new Failure(`${what} was not measured at all`);
	const sorted = values.map((value) => measured(value, what)).sort((one, other) => one - other);
	return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
}

/** Median and 95th percentile, in words. @param {number[]} values milliseconds */
export const spread = (values, what) =>
	`${ms(percentile(values, 0.5, what))} (p95 ${ms(percentile(values, 0.95, what))})`;

export const ms = (value) =>
	`${measured(value, 'a time') < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ms`;

/** What a program and all it started hold in memory, in MiB; pages that several share count once. Linux only. */
export function memoryOf(pid) {
	const kib = family(pid).map((one) => {
		try {
			return Number(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+) kB/m)?.[1] ?? 0);
		} catch {
			return 0; // it has just ended
		}
	});
	const mib = kib.reduce((sum, one) => sum + one, 0) / 1024;
	if (!(mib > 0)) throw new Failure(`the memory of process ${pid} was not measured`);
	return mib;
}
