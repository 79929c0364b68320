import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

const noTauri = {
	group: ['@tauri-apps/*'],
	message: 'Only src/lib/backend knows Tauri: add a method to the Backend interface instead.'
};
const noDomain = {
	group: ['$lib/state/*', '$lib/backend/*', '$lib/components/*', '!$lib/components/ui/*'],
	message: 'components/ui knows no domain: pass what it needs as properties.'
};

export default ts.config(
	{
		ignores: [
			'target/',
			'build/',
			'.svelte-kit/',
			'node_modules/',
			'gen/',
			'.local/',
			'test-results/',
			'src/lib/backend/bindings/'
		]
	},
	js.configs.recommended,
	...ts.configs.recommended,
	...svelte.configs.recommended,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		rules: {
			'no-undef': 'off',
			'no-restricted-imports': ['error', { patterns: [noTauri] }],
			// Every path is a route of this one page, and the page is never served below a base path.
			'svelte/no-navigation-without-resolve': 'off',
			// Dates and maps are made, read and thrown away here; those that change are SvelteMaps.
			'svelte/prefer-svelte-reactivity': 'off',
			'@typescript-eslint/no-unused-vars': [
				'error',
				{ argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' }
			]
		}
	},
	{
		files: ['src/**/*.svelte', 'src/**/*.svelte.ts'],
		languageOptions: {
			parserOptions: { projectService: true, extraFileExtensions: ['.svelte'], parser: ts.parser, svelteConfig }
		}
	},
	{ files: ['src/lib/backend/**'], rules: { 'no-restricted-imports': 'off' } },
	{
		files: ['src/lib/components/ui/**'],
		rules: { 'no-restricted-imports': ['error', { patterns: [noTauri, noDomain] }] }
	},
	{ files: ['src-tauri/isolation/**'], languageOptions: { sourceType: 'script' } }
);
