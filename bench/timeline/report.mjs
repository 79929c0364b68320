/**
 * What was measured, as a Markdown table, and whether each goal was held. The goals are ours; the peer is measured only.
 *
 * Invariant: a figure that is missing, or whose traffic was not what it claims, is an error: nothing is reported then.
 */
import { Failure } from '../../scripts/processes.mjs';
import { measured, ms, percentile, spread } from './figures.mjs';

/** So far, in parts of one, may the pace be off what it claims. */
const PACE_MAY_BE_OFF = 0.05;

/** A number that has to stay at a limit or below it; the 95th percentile of what was measured where there are many. */
const atMost = (limit, unit, of) => ({ words: `≤ ${limit} ${unit}`, holds: (figures) => of(figures) <= limit });
const below = (limit, unit, of) => ({ words: `< ${limit} ${unit}`, holds: (figures) => of(figures) < limit });
const p95 = (values) => percentile(values, 0.95);
const number = (count) => Number(count).toLocaleString('en');
const mib = (value) => `${Math.round(measured(value, 'memory'))} MiB`;

/** With the longest history the app may hold so much more than with the shortest, in parts of one. */
const MEMORY_MAY_GROW = 0.1;

/** The rows of the table. @param {string[]} counts how long the histories were, ascending */
function rowsOf(counts, talked) {
	const [fewest, most] = [counts[0], counts.at(-1)];
	return [
		...counts.map((count) => ({
			what: `Opening a room of ${number(count)}`,
			cell: ({ open }) => spread(open[count], 'opening'),
			...(count === most && { goal: below(150, 'ms', ({ open }) => p95(open[most])) })
		})),
		{
			what: 'A frame while scrolling up',
			cell: ({ scroll }) => spread(scroll.frames, 'a frame of scrolling'),
			goal: atMost(18, 'ms', ({ scroll }) => p95(scroll.frames))
		},
		{ what: 'Messages scrolled past', cell: ({ scroll }) => number(scroll.from - scroll.to) },
		{
			what: "The reader's place when history comes above it: off by at most",
			cell: ({ prepend }) =>
				prepend
					? `${percentile(prepend.drifts, 1, 'the drift').toFixed(2)} px (${prepend.drifts.length} times)`
					: 'never comes',
			goal: atMost(1, 'px', ({ prepend }) => percentile(prepend.drifts, 1))
		},
		{
			what: 'A frame while history comes above',
			cell: ({ prepend }) => (prepend ? spread(prepend.frames, 'a frame') : 'never comes')
		},
		{ what: 'Messages said a second while typing', cell: ({ spoken }) => spoken.toFixed(1) },
		{
			what: 'Of these came on screen a second',
			cell: ({ shown }) => shown.toFixed(1),
			goal: {
				words: `≥ ${(talked.perSecond * (1 - PACE_MAY_BE_OFF)).toFixed(1)}`,
				holds: ({ shown }) => shown >= talked.perSecond * (1 - PACE_MAY_BE_OFF)
			}
		},
		{
			what: 'A frame meanwhile',
			cell: ({ type }) => spread(type.frames, 'a frame of typing'),
			goal: atMost(18, 'ms', ({ type }) => p95(type.frames))
		},
		{ what: 'From a key to its letter on screen meanwhile', cell: ({ type }) => spread(type.keys, 'a key') },
		{ what: `Until these ${talked.seconds} s were over on screen`, cell: ({ typed }) => `${typed.toFixed(0)} s` },
		...['common', 'rare', 'absent'].map((kind) => ({
			what: `Searching two characters, ${kind}`,
			cell: ({ search }) => (search ? spread(search[kind], 'searching') : 'not there'),
			goal: below(10, 'ms', ({ search }) => p95(search[kind]))
		})),
		...counts.map((count) => ({
			what: `Memory with ${number(count)}`,
			cell: ({ memory }) => mib(memory[count]),
			...(count !== fewest && {
				goal: {
					words: `≤ ${Math.round(MEMORY_MAY_GROW * 100)} % above ${number(fewest)}`,
					holds: ({ memory }) => memory[count] <= memory[fewest] * (1 + MEMORY_MAY_GROW)
				}
			})
		})),
		{ what: 'Memory after scrolling', cell: ({ memoryScrolled }) => mib(memoryScrolled) }
	];
}

/** Fails unless everything was measured, and on the traffic that was promised. */
export function check(found, talked) {
	const { name, scroll, type, spoken, shown, typed, search, memory } = found;
	const refuse = (why) => {
		throw new Failure(`${name}: ${why}; nothing is reported`);
	};
	const off = Math.abs(measured(spoken, 'the pace of the traffic') / talked.perSecond - 1);
	if (off > PACE_MAY_BE_OFF) refuse(`${spoken.toFixed(1)} messages a second were said, not ${talked.perSecond}`);
	if (measured(shown, 'the pace on screen') > talked.perSecond * (1 + PACE_MAY_BE_OFF))
		refuse(`${shown.toFixed(1)} messages a second came on screen, of ${talked.perSecond} that were said`);
	measured(typed, 'the time of typing');
	if (!(measured(scroll.from, 'where scrolling began') > measured(scroll.to, 'where it ended')))
		refuse('nothing was scrolled');
	if (type.keys.length < talked.words.length * 0.9)
		refuse(`${type.keys.length} of ${talked.words.length} keys were seen`);
	for (const [count, value] of Object.entries(memory)) measured(value, `memory with ${count}`);
	if (!search) return;
	for (const [kind, hits] of Object.entries(search.found)) {
		if (kind === 'absent' ? hits !== 0 : !(hits > 0)) refuse(`the ${kind} word was found ${hits} times`);
	}
}

/**
 * The table, and the goals that were missed.
 *
 * @param {object[]} figures the first one's are held against the goals
 */
export function report(figures, talked) {
	for (const found of figures) check(found, talked);
	const counts = Object.keys(figures[0].open);
	const missed = [];
	const lines = [
		`| | ${figures.map(({ name }) => name).join(' | ')} | goal | |`,
		`|---|${figures.map(() => '---|').join('')}---|---|`
	];
	for (const { what, cell, goal } of rowsOf(counts, talked)) {
		const cells = figures.map(cell);
		const held = goal?.holds(figures[0]);
		if (goal && !held) missed.push(what);
		const verdict = goal ? (held ? 'held' : '**missed**') : '';
		lines.push(`| ${[what, ...cells, goal?.words ?? '', verdict].join(' | ')} |`);
	}
	const most = counts.at(-1);
	const [one, other] = figures.map(({ open }) => percentile(open[most], 0.5));
	lines.push('', `Opening ${number(most)}: ${ms(one)} against ${ms(other)}, ${(other / one).toFixed(1)} times`);
	return { table: lines.join('\n'), missed };
}
