/** Earlier messages that come above what someone reads. The function runs inside the page, so it uses nothing from around it. */

/**
 * Has history come above what is read, so many times, going up a little each time as one who reads.
 *
 * Answers for each time by how many pixels the reader's place was off in the worst frame; how long each frame took, in
 * milliseconds; and whether that was all the history there is.
 *
 * @param {string} scrolled the list
 * @param {string} row a message in it, which is known by its `data-key`
 */
export async function prepend(scrolled, row, times) {
	/** History is asked for when its end is this near, and a step goes from beyond that to within it. */
	const [ahead, step] = [600, 150];
	const scroller = document.querySelector(scrolled);
	const { top } = scroller.getBoundingClientRect();
	const frame = () => new Promise((passed) => requestAnimationFrame(passed));
	const placeOf = (key) => scroller.querySelector(`[data-key="${key}"]`)?.getBoundingClientRect().top;
	const still = async () => {
		for (let [last, same] = ['', 0]; same < 4;) {
			await frame();
			const now = `${scroller.scrollTop} ${scroller.scrollHeight}`;
			same = now === last ? same + 1 : 0;
			last = now;
		}
	};
	const [drifts, frames] = [[], []];
	while (drifts.length < times) {
		// A list that was opened just now goes to its end by itself until it has settled, and rows that are measured above move it too.
		do {
			scroller.scrollTop = ahead + step - 50;
			await still();
		} while (scroller.scrollTop >= ahead + step);
		const rows = Array.from(scroller.querySelectorAll(row));
		const { key } = rows.find((one) => one.getBoundingClientRect().top > top).dataset;
		const place = placeOf(key) + step;
		scroller.scrollTop -= step;
		let [drift, last, same, came] = [0, undefined, 0, false];
		for (let count = 0; same < 4; count++) {
			if (!came && count > 300) return { drifts, frames, ended: true };
			const now = await frame();
			if (last !== undefined) frames.push(now - last);
			last = now;
			// A page of history is higher than that. How high the list is says nothing: as many rows may go at its end.
			came ||= scroller.scrollTop > 2 * ahead;
			const off = Math.abs(placeOf(key) - place);
			same = came && off === drift ? same + 1 : 0;
			drift = Math.max(drift, off);
		}
		drifts.push(drift);
	}
	return { drifts, frames, ended: false };
}
