/**
 * Scrolling to a place in a list whose rows are measured only once they are drawn: where a row stands is a guess until then,
 * so one looks again after each frame until it stands still.
 */

/** A list whose end has not moved for this many frames has been measured. */
export const STILL_FRAMES = 4;
/** The longest that is waited for. */
export const MOST_FRAMES = 60;

/** The part of a virtual list that this needs. */
export interface Places {
	scrollToIndex(index: number, how: { align: 'start' | 'center'; offset?: number }): void;
	getItemOffset(index: number): number;
	getScrollOffset(): number;
}

export function distanceToEnd(element: HTMLElement): number {
	return element.scrollHeight - element.scrollTop - element.clientHeight;
}

export function nextFrame(): Promise<unknown> {
	return new Promise((resolve) => requestAnimationFrame(resolve));
}

/**
 * Scrolls to the end and stays until it moves no more, or until the person wants to be elsewhere (`left`). It looks after each
 * frame: a row that comes in the last is followed too.
 */
export async function settleAtEnd(scroller: () => HTMLElement | undefined, left: () => boolean): Promise<void> {
	for (let frame = 0, still = 0; frame < MOST_FRAMES && still < STILL_FRAMES; frame++) {
		const list = scroller();
		// The room may have been left meanwhile.
		if (!list || left()) return;
		if (distanceToEnd(list) > 1) list.scrollTop = list.scrollHeight;
		await nextFrame();
		still = distanceToEnd(list) > 1 ? 0 : still + 1;
	}
}

/**
 * As {@link settleAtEnd}, for a row anywhere. `find` answers its index, or -1 where it is gone: rows that come above it meanwhile
 * change it.
 */
export async function settleAt(
	list: () => Places | undefined,
	find: () => number,
	how: { align: 'start' | 'center'; offset?: number },
	left: () => boolean
): Promise<void> {
	let last = NaN;
	for (let frame = 0, still = 0; frame < MOST_FRAMES && still < STILL_FRAMES; frame++) {
		const index = find();
		if (index < 0 || left()) return;
		list()?.scrollToIndex(index, how);
		await nextFrame();
		const [now, at] = [list(), find()];
		const place = now && at >= 0 ? now.getItemOffset(at) - now.getScrollOffset() : NaN;
		still = Math.abs(place - last) <= 1 ? still + 1 : 0;
		last = place;
	}
}
