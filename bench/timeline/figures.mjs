/** Numbers of a run: percentiles, and the memory of a program with all of its processes. */
import { readFileSync } from 'node:fs';
import { family } from '../../e2e/window/memory.mjs';

/** The value below which a part (0 to 1) of all lies. */
export function percentile(values, part) {
	const sorted = [...values].sort((one, other) => one - other);
	return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
}

/** Median and 95th percentile, in words. @param {number[]} values milliseconds */
export const spread = (values) => `${ms(percentile(values, 0.5))} (p95 ${ms(percentile(values, 0.95))})`;

export const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ms`;

/** What a program and all it started hold in memory, in MiB; pages that several share count once. Linux only. */
export function memoryOf(pid) {
	const kib = family(pid).map((one) => {
		try {
			return Number(readFileSync(`/proc/${one}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+) kB/m)?.[1] ?? 0);
		} catch {
			return 0; // it has just ended
		}
	});
	return kib.reduce((sum, one) => sum + one, 0) / 1024;
}
