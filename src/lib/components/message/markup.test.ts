import { describe, expect, test } from 'vitest';
import { blocksOf, flow, type Block, type Inline } from './markup';

const words = (parts: Inline[]): string =>
	parts.map((part) => (part.kind === 'bold' || part.kind === 'italic' ? words(part.parts) : part.text)).join('');
const seen = (block: Block): string =>
	block.kind === 'code'
		? block.text
		: block.kind === 'list'
			? block.items.map((item) => `${item.mark} ${words(item.parts)}`).join('\n')
			: block.lines.map(words).join('\n');
const line = (text: string, names: string[] = []) => {
	const [block] = blocksOf(text, names);
	return block?.kind === 'lines' ? (block.lines[0] ?? []) : [];
};
const links = (text: string) => line(text).filter((part) => part.kind === 'link');

describe('markup', () => {
	test.each([
		'2*3*4 mg',
		'2**3**4 mg',
		'5 * 3 * 2',
		'a**b',
		'*1 と *2 を参照',
		'**',
		'``',
		'@誰か',
		'[括弧](これは住所ではない)',
		'5. 先に五番\n3. 次に三番',
		'<b>太字</b> & <script>alert(1)</script>'
	])('shows what was written: %s', (text) => {
		expect(blocksOf(text).map(seen).join('\n')).toBe(text);
	});

	test('knows bold, italic and code, also next to Japanese', () => {
		expect(line('この**「重要」**な *点* は`2*3*4`です').map((part) => part.kind)).toEqual([
			'text',
			'bold',
			'text',
			'italic',
			'text',
			'code',
			'text'
		]);
	});

	test('a list keeps its own numbers', () => {
		expect(blocksOf('3. 三\n5) 五\n- 点')).toMatchObject([
			{ kind: 'list', items: [{ mark: '3.' }, { mark: '5)' }, { mark: '-' }] }
		]);
	});

	test('a code block is as it was written, and an unfinished one is text', () => {
		expect(blocksOf('前\n```\n  a *b*\n```\n後').map((block) => block.kind)).toEqual(['lines', 'code', 'lines']);
		expect(blocksOf('```\n終わらない').map(seen)).toEqual(['```\n終わらない']);
	});

	test('lines are one flow of text, and nothing between them is lost', () => {
		const [block] = blocksOf('一\n\n*二* 三\n四', []);
		expect(block?.kind === 'lines' && flow(block.lines)).toEqual([
			{ kind: 'text', text: '一\n\n' },
			{ kind: 'italic', parts: [{ kind: 'text', text: '二' }] },
			{ kind: 'text', text: ' 三\n四' }
		]);
	});

	test('names only whom the message names', () => {
		expect(line('@佐藤 恵 さん @佐藤', ['佐藤 恵'])).toMatchObject([
			{ kind: 'mention', text: '@佐藤 恵' },
			{ kind: 'text', text: ' さん @佐藤' }
		]);
	});
});

test('a direction that is forced upon what follows is seen, so that no dose reads as another', () => {
	expect(blocksOf('\u202e05 mg\u202c').map(seen)).toEqual(['\ufffd05 mg\u202c']);
	expect(blocksOf('`\u202d05`').map(seen)).toEqual(['\ufffd05']);
});

describe('however long and odd a message is, it is read through once', () => {
	// Looked at again from each of its places, such a text would take minutes, and the test would not end in its time.
	const CHARS = 200_000;
	const pieces = ['*', '**a ', '[', '[a](', '`a', '@', 'https://', 'https://a@', '```x\n', '- a\n', '😀', '('];
	const endings = [')', '!', '.)', "'*"];
	test.each([
		...pieces.map((piece) => [piece, piece.repeat(CHARS / piece.length)]),
		...endings.flatMap((ending) => [
			[`an address and ${ending}`, `https://a.example/${ending.repeat(CHARS)}`],
			[`an address, ${ending} and more`, `https://a.example/${ending.repeat(CHARS)}a`]
		])
	])('%s', (_, text = '') => {
		expect(blocksOf(text, ['佐藤 恵']).map(seen).join('\n').length).toBeGreaterThan(text.length / 4);
	});
});

describe('a link', () => {
	test('ends where the sentence goes on', () => {
		expect(links('https://a.example.jp/x?y=1をご覧ください。')).toMatchObject([{ url: 'https://a.example.jp/x?y=1' }]);
		expect(links('(see https://a.example.jp/x_(y)).')).toMatchObject([{ url: 'https://a.example.jp/x_(y)' }]);
		expect(links('mailto:a@b.example')).toMatchObject([{ host: 'a@b.example' }]);
	});

	test('tells its real host', () => {
		expect(links('[https://bank.example](https://evil.example/a)')).toMatchObject([
			{ text: 'https://bank.example', host: 'evil.example' }
		]);
	});

	test('is none where it is not what it seems, or could do harm', () => {
		expect(links('https://bank.example@evil.example/')).toEqual([]);
		expect(links('[hier](javascript:alert(1))')).toEqual([]);
		expect(links('https://')).toEqual([]);
		expect(links('https://банк.example')).toEqual([]);
	});

	test('has no unseen characters in its text', () => {
		expect(links('[a\u202eb\u200bc](https://a.example)')).toMatchObject([{ text: 'a\ufffdbc' }]);
	});

	test('is none where it is longer than what is opened, and nothing within it is one either', () => {
		const long = `https://a.example/?to=https://b.example/${'x'.repeat(3_000)}`;
		expect(line(`見てください ${long} ここ`).map((part) => part.kind)).toEqual(['text', 'text', 'text']);
		expect(blocksOf(long).map(seen)).toEqual([long]);
	});
});
