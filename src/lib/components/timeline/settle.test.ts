import { expect, test } from 'vitest';
import { settleAt, type Places } from './settle';

/** A list of rows of ten pixels that goes where it is told to. */
function list() {
	const asked: number[] = [];
	const places: Places = {
		scrollToIndex: (index) => void asked.push(index),
		getItemOffset: (index) => index * 10,
		getScrollOffset: () => (asked.at(-1) ?? 0) * 10
	};
	return { asked, places };
}
const center = { align: 'center' } as const;
const never = () => false;

test('a row is followed to where it is once others have come above it', async () => {
	const { asked, places } = list();
	await settleAt(
		() => places,
		() => (asked.length < 2 ? 3 : 53),
		center,
		never
	);
	expect(asked.slice(0, 2)).toEqual([3, 3]);
	expect(asked.at(-1)).toBe(53);
	expect(asked.filter((index) => index === 53).length).toBeGreaterThan(4);
});

test('who wants to be elsewhere is let go, and a row that is gone is not looked for', async () => {
	const { asked, places } = list();
	await settleAt(
		() => places,
		() => 3,
		center,
		() => asked.length === 2
	);
	expect(asked).toEqual([3, 3]);
	await settleAt(
		() => places,
		() => -1,
		center,
		never
	);
	expect(asked).toEqual([3, 3]);
});

test('a list that is not there yet is waited for', async () => {
	const { asked, places } = list();
	let looks = 0;
	await settleAt(
		() => (looks++ < 4 ? undefined : places),
		() => 3,
		center,
		never
	);
	expect(asked.at(-1)).toBe(3);
});
