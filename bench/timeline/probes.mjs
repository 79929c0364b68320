/**
 * What is measured inside a page. Each function is sent there as its source, so it uses nothing from around it; the same ones
 * run in every program that is compared.
 */

/** Lets a press on something show a message, and answers how long that took until it was painted, in milliseconds. */
export async function open(press, row, words) {
	const frame = () => new Promise((passed) => requestAnimationFrame(passed));
	// From the end: the newest message is drawn last.
	const isThere = () => Array.from(document.querySelectorAll(row)).at(-1)?.textContent.includes(words);
	const began = performance.now();
	document.querySelector(press).click();
	while (!isThere()) await frame();
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

/** From now on notes how long each frame takes, and how long each key pressed in a field takes to be painted. */
export function watch(field) {
	const noted = { frames: [], keys: [], on: true };
	globalThis.noted = noted;
	let last;
	requestAnimationFrame(function step(now) {
		if (last !== undefined) noted.frames.push(now - last);
		last = now;
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

/** Ends {@link watch} and answers what was noted, in milliseconds. */
export function watched() {
	globalThis.noted.on = false;
	return { frames: globalThis.noted.frames, keys: globalThis.noted.keys };
}
