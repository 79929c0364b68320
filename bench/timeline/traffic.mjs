/** What is said in the room of a run: the same words at the same pace for every program that shows them. */

const TEXTS = [
	'302号室、血圧が安定しました。',
	'採血の結果が出ました。カリウムは 4.1 です。',
	'酸素を 2L に変更しました。SpO2 は 96% を保っています。',
	'明日の手術は 9:00 入室の予定です。同意書と絶飲食の説明は済んでいます。',
	'ご家族から電話がありました。折り返しをお願いします。',
	'体位変換を行いました。右側臥位、仙骨部に発赤はありません。',
	'了解しました。',
	'14時の抗菌薬は投与済みです。次回は 22時にお願いします。点滴の刺入部に腫れや痛みはなく、滴下も良好です。'
];
/** One among a thousand, and then one in 25,000. */
const SELDOM = { text: 'せん妄の既往があります。夜間の見守りをお願いします。', every: 25_000, first: 777 };

/** Two characters each, by how often they are said: one message in eight has the first, none the last. */
export const WORDS = { common: '酸素', rare: '既往', absent: '輸血' };

/** How a message of this number can be found on a screen. */
export const marked = (number) => `No.${number} `;

/** The words of a message. */
export const text = (number) =>
	marked(number) + (number % SELDOM.every === SELDOM.first ? SELDOM.text : TEXTS[number % TEXTS.length]);

/** Calls `say` so many times a second for so many seconds, never more than one call late. */
export async function steadily(perSecond, seconds, say) {
	const began = performance.now();
	for (let count = 0; count < perSecond * seconds; count++) {
		const due = began + (count * 1000) / perSecond;
		await new Promise((passed) => setTimeout(passed, Math.max(0, due - performance.now())));
		await say();
	}
}

/**
 * Talks at a pace: whether the one before has been said is not waited for. The last is said alone, so that it is the newest.
 *
 * @returns {Promise<number>} how many a second it came to, until all but that one had been said
 */
export async function talk(perSecond, seconds, say) {
	const said = [];
	const began = performance.now();
	await steadily(perSecond, seconds, () => void said.push(say()));
	await Promise.all(said);
	const took = Math.max(seconds * 1000, performance.now() - began);
	await say();
	return (said.length * 1000) / took;
}

/** How many messages a second came on screen, from the first change to the last. @param {{ number: number, at: number }[]} shown */
export function paceOf(shown) {
	const [first, last] = [shown.at(0), shown.at(-1)];
	return ((last?.number - first?.number) * 1000) / (last?.at - first?.at);
}
