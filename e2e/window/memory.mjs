/** Looking for a text in the memory of running processes, as someone at an unlocked computer could. Linux only. */
import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';

const PIECE = 16 * 1024 * 1024;
const PAGE = 4096;

/** A process and everything it started, directly or not. @param {number} pid @returns {number[]} */
export function family(pid) {
	const children = new Map();
	for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
		const parent = parentOf(name);
		if (parent) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
	}
	const all = [pid];
	for (const one of all) all.push(...(children.get(one) ?? []));
	return all;
}

/** The processes of a family whose memory holds a text, in the encodings programs hold text in. */
export function holders(pid, text) {
	const forms = [Buffer.from(text), Buffer.from(text, 'utf16le')];
	return family(pid).flatMap((one) => {
		try {
			const count = occurrences(one, forms);
			return count > 0 ? [{ program: nameOf(one), count }] : [];
		} catch (error) {
			if (['ESRCH', 'ENOENT'].includes(error.code)) return []; // it has just ended
			throw error;
		}
	});
}

function occurrences(pid, forms) {
	let count = 0;
	const [memory, pages] = ['mem', 'pagemap'].map((name) => openSync(`/proc/${pid}/${name}`, 'r'));
	try {
		for (const [from, to] of mapped(pid).flatMap(([from, to]) => present(pages, from, to))) {
			// Pieces overlap, so that nothing hides on the border of two.
			const overlap = Math.max(...forms.map((form) => form.length)) - 1;
			for (let at = from; at < to; at += PIECE) {
				const bytes = read(memory, at, Math.min(PIECE + overlap, to - at));
				for (const form of forms) {
					for (let found = bytes.indexOf(form); found !== -1; found = bytes.indexOf(form, found + 1)) count++;
				}
			}
		}
	} finally {
		closeSync(memory);
		closeSync(pages);
	}
	return count;
}

/** The stretches of memory that can be read and hold something, as pairs of addresses. */
function mapped(pid) {
	const stretches = [];
	let stretch;
	for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
		const head = line.match(/^([0-9a-f]+)-([0-9a-f]+) (\S+)/);
		if (head) stretch = { from: parseInt(head[1], 16), to: parseInt(head[2], 16), readable: head[3].startsWith('r') };
		const [, resident] = line.match(/^Rss:\s+(\d+) kB/) ?? [];
		if (stretch?.readable && Number(resident) > 0) stretches.push([stretch.from, stretch.to]);
	}
	return stretches;
}

/** The parts of a stretch that hold something: most of what a browser engine has is only reserved. */
function present(pages, from, to) {
	const parts = [];
	const entries = read(pages, (from / PAGE) * 8, ((to - from) / PAGE) * 8);
	let begin = null;
	for (let index = 0; index <= entries.length / 8; index++) {
		// The two highest bits of an entry: in memory, or swapped out.
		const holds = index < entries.length / 8 && (entries[index * 8 + 7] & 0xc0) !== 0;
		if (holds && begin === null) begin = from + index * PAGE;
		if (!holds && begin !== null) {
			parts.push([begin, from + index * PAGE]);
			begin = null;
		}
	}
	return parts;
}

function read(file, at, length) {
	const bytes = Buffer.alloc(length);
	try {
		return bytes.subarray(0, readSync(file, bytes, 0, length, at));
	} catch {
		return bytes.subarray(0, 0); // a device's, or gone meanwhile
	}
}

function parentOf(name) {
	try {
		return Number(readFileSync(`/proc/${name}/status`, 'utf8').match(/^PPid:\s+(\d+)/m)?.[1]);
	} catch {
		return 0; // it has just ended
	}
}

function nameOf(pid) {
	return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}
