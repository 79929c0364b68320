/**
 * What is measured inside a page. Each function is sent there as its source ({@link inPage}), so it uses nothing from around it but
 * {@link lastRow}; the same ones run in every program that is compared.
 */

/** A probe as the source of a function that can be called in a page. */
export const inPage = (probe) => `function (...given) { ${lastRow}; return (${probe}).apply(null, given); }`;

/** The last message of a list, found without looking at the others: there may be a hundred thousand. */
function lastRow(scrolled, row) {
	let found = document.querySelector(scrolled);
	while (found && !found.matches(row)) found = found.lastElementChild;
	return found;
}

/** Lets a press on something show a message, and answers how long that took until it was painted, in milliseconds. */
export async function open(press, scrolled, row, words) {
	const frame = () => new Promise((passed) => requestAnimationFrame(passed));
	const began = performance.now();
	document.querySelector(press).click();
	while (!lastRow(scrolled, row)?.textContent.includes(words)) await frame();
	// The frame in which it is there has been painted once the next one begins.
	await frame();
	return performance.now() - began;
}

/** Scrolls up, some pixels in every frame, and answers how long each frame took and which messages were at the top. */
export async function scrollUp(scrolled, row, pixels, milliseconds) {
	const scroller = document.querySelector(scrolled);
	const { top } = scroller.getBoundingClientRect();
	const numberAtTop = () => {
		const rows = Array.from(document.querySelectorAll(row));
		const first = rows.find((one) => one.getBoundingClientRect().bottom > top);
		return Number(first?.textContent.match(/No\.(\d+) /)?.[1]);
	};
	const from = numberAtTop();
	const frames = [];
	await new Promise((done) => {
		const end = performance.now() + milliseconds;
		let last;
		requestAnimationFrame(function step(now) {
			if (last !== undefined) frames.push(now - last);
			last = now;
			scroller.scrollTop -= pixels;
			if (performance.now() < end) requestAnimationFrame(step);
			else done();
		});
	});
	return { frames, from, to: numberAtTop() };
}

/**
 * From now on notes how long each frame takes, how long each key pressed in a field takes to be painted, and when which message was
 * the last in the list.
 */
export function watch(field, scrolled, row) {
	const noted = { frames: [], keys: [], shown: [], on: true };
	globalThis.noted = noted;
	let last;
	requestAnimationFrame(function step(now) {
		if (last !== undefined) noted.frames.push(now - last);
		last = now;
		const newest = Number(lastRow(scrolled, row)?.textContent.match(/No\.(\d+) /)?.[1]);
		if (newest !== noted.shown.at(-1)?.number) noted.shown.push({ number: newest, at: now });
		if (noted.on) requestAnimationFrame(step);
	});
	document.querySelector(field).addEventListener('keydown', ({ timeStamp }) => {
		requestAnimationFrame(() => {
			const { port1, port2 } = new MessageChannel();
			port1.onmessage = () => noted.keys.push(performance.now() - timeStamp);
			port2.postMessage(null);
		});
	});
}

/** The number of the message that was last in the list when it was last looked at. */
export function newestShown() {
	return globalThis.noted.shown.at(-1)?.number;
}

/** Ends {@link watch} and answers what was noted, in milliseconds. */
export function watched() {
	const { frames, keys, shown } = globalThis.noted;
	globalThis.noted.on = false;
	return { frames, keys, shown };
}
