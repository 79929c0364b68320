/**
 * Nothing that is read or heard is written outside the two languages: neither in markup nor in what scripts put together.
 *
 * A source is looked at as its syntax, not as text. Taken for words is what has two words or Japanese in it, or begins as a
 * sentence does, and whatever stands where only words can, such as `aria-label` or a `label` that is handed on.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'svelte/compiler';
import ts from 'typescript';
import { expect, test } from 'vitest';

const LETTERS = /[A-Za-z]{2,}|[ぁ-んァ-ヴ一-龠]/;
const WORDS =
	/[ぁ-んァ-ヴ一-龠]|[A-Za-z]{2,}[,.:;!?]? [A-Za-z]{2,}|^\s*[A-Z][a-z]+(?![A-Za-z])|(?:^|\s)[A-Za-z]{3,}\s|\s[A-Za-z]{3,}/;
/** Attributes and properties that hold nothing but words. */
const SPOKEN =
	/^(aria-(label|description|placeholder|roledescription|valuetext)|title|placeholder|alt|label|hint|legend)$/;
/** Those that never do. */
const SILENT = /^(class|style|id|autocomplete|data-.*)$/;

/** What looks like words and is none. */
const KEYS = /^((Ctrl|Alt|Shift)\+)*(Ctrl|Alt|Shift|Enter|Escape|Esc|Tab|Home|End|Delete|[A-Z/]|[↑↓])$/;
const OTHERS: Record<string, string> = {
	日本語: 'the own name of a language, the same in both',
	English: 'the own name of a language, the same in both',
	Linux: 'what the system calls itself',
	Macintosh: 'what the system calls itself',
	Files: 'what a DataTransfer calls files',
	'(prefers-color-scheme: dark)': 'a media query',
	'input, textarea, select': 'a selector'
};
/** Whole files, each with the reason. */
const EXCEPTED: Record<string, string> = {
	'routes/design/+page.svelte': 'names the parts by their files, for those who make them',
	'lib/components/message/markup.ts': 'knows the signs that people write'
};

interface Found {
	text: string;
	/** Whether it stands where only words can. */
	spoken: boolean;
}

/**
 * The literals of a script. What is called with a literal, or compared with one, does not say it. An `Error` is for who reads the code: what is shown of a failure is the sentence of its code.
 */
function ofScript(source: string): Found[] {
	const found: Found[] = [];
	const look = (node: ts.Node, spoken: boolean): void => {
		if (ts.isImportDeclaration(node) || ts.isLiteralTypeNode(node)) return;
		if (ts.isNewExpression(node) && node.expression.getText() === 'Error') return;
		if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
			found.push({ text: node.text, spoken });
		if (ts.isPropertyAssignment(node)) {
			look(node.initializer, SPOKEN.test(node.name.getText().replace(/['"]/g, '')));
			return;
		}
		const isOther =
			ts.isCallExpression(node) ||
			ts.isElementAccessExpression(node) ||
			(ts.isBinaryExpression(node) && /^[!=]=/.test(node.operatorToken.getText()));
		ts.forEachChild(node, (child) => look(child, spoken && !isOther));
	};
	look(ts.createSourceFile('', source, ts.ScriptTarget.Latest, true), false);
	return found;
}

type Node = { type: string; [key: string]: unknown };

/** The literals of a component's scripts, and of its markup with what stands in braces there. */
function ofComponent(source: string): Found[] {
	const found: Found[] = [];
	const look = (node: unknown, spoken: boolean): void => {
		if (Array.isArray(node)) return node.forEach((one) => look(one, spoken));
		if (typeof node !== 'object' || node === null || !('type' in node)) return;
		const { type, ...parts } = node as Node;
		// Between tags nothing stands but words.
		if (type === 'Fragment') return (parts.nodes as Node[]).forEach((one) => look(one, one.type === 'Text'));
		if (type === 'Text') found.push({ text: String(parts.data), spoken });
		if (type === 'Literal' && typeof parts.value === 'string') found.push({ text: parts.value, spoken });
		if (type === 'TemplateElement') found.push({ text: (parts.value as { cooked: string }).cooked, spoken });
		if (type === 'Attribute' && SILENT.test(String(parts.name))) return;
		if (type === 'Attribute') return look(parts.value, SPOKEN.test(String(parts.name)));
		const isOther =
			['CallExpression', 'MemberExpression'].includes(type) ||
			(type === 'BinaryExpression' && /^[!=]=/.test(String(parts.operator)));
		for (const part of Object.values(parts)) look(part, spoken && !isOther);
	};
	const { fragment } = parse(source, { modern: true });
	look(fragment, false);
	const scripts = [...source.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1] ?? '');
	return [...found, ...scripts.flatMap(ofScript)];
}

const isWords = ({ text, spoken }: Found) =>
	!KEYS.test(text) && !(text in OTHERS) && (WORDS.test(text) || (spoken && LETTERS.test(text)));
const wordsOf = (path: string, source: string) =>
	(path.endsWith('.svelte') ? ofComponent(source) : ofScript(source)).filter(isWords).map(({ text }) => text.trim());

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
	(path) =>
		/\.(svelte|ts)$/.test(path) &&
		// The two languages; what is made from Rust; the sample people; tests.
		!/^lib\/(i18n\/|backend\/(bindings|fake|sample))|\.test\.ts$|\.d\.ts$/.test(path) &&
		!(path in EXCEPTED)
);

// One test for each, so that none takes long.
test.each(sources)('%s holds no words of its own', (path) => {
	expect(wordsOf(path, readFileSync(join('src', path), 'utf8'))).toEqual([]);
});

test('all of the interface is looked at', () => expect(sources.length).toBeGreaterThan(100));

test('each exception is one still', () => {
	const all = sources.map((path) => readFileSync(join('src', path), 'utf8')).join('\n');
	for (const text of Object.keys(OTHERS)) expect(all, text).toContain(text);
	const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
	for (const path of Object.keys(EXCEPTED)) expect(files).toContain(path);
});

test.each([
	["const said = 'The message could not be sent';", 'The message could not be sent'],
	['const said = `${count} files`;', 'files'],
	["const said = failed ? 'Failed' : '';", 'Failed'],
	["const said = '送信できませんでした';", '送信できませんでした'],
	["offer({ label: 'open', run });", 'open'],
	["element.title = open ? { 'aria-label': 'close' } : {};", 'close'],
	['<button>{open ? `Show less` : t.more}</button>', 'Show less'],
	["<button aria-label={open ? 'close' : t.more}></button>", 'close'],
	['<button aria-label="{name}: close"></button>', ': close'],
	['<Field label="name" />', 'name'],
	['<p>urgent</p>', 'urgent'],
	['{#if open}<p>{t.name}: urgent</p>{/if}', ': urgent'],
	['<script lang="ts">const said: string = "Please wait";</script>', 'Please wait']
])('words are found in %s', (source, word) => {
	expect(wordsOf(/^[<{]/.test(source) ? 'a.svelte' : 'a.ts', source)).toEqual([word]);
});

test.each([
	["if (event.key === 'Escape') close('Ctrl+Shift+F');"],
	["type Look = 'Plain' | 'Two words';"],
	["throw new Error('there is no room');"],
	["<p class='plain wide' data-testid='two words'>{t.name}</p>"],
	["<Field label={t('name')} hint={field === 'name' ? t.hint : t['other']} />"]
])('none are found in %s', (source) => {
	expect(wordsOf(/^[<{]/.test(source) ? 'a.svelte' : 'a.ts', source)).toEqual([]);
});
