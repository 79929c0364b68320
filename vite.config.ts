import { sveltekit } from '@sveltejs/kit/vite';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { licences } from './scripts/licences.ts';

export default defineConfig({
	plugins: [sveltekit(), svelteTesting(), licences()],
	clearScreen: false,
	// tauri.conf.json names this address as devUrl.
	server: {
		host: '127.0.0.1',
		port: 1420,
		strictPort: true,
		watch: { ignored: ['**/target/**', '**/src-tauri/**', '**/crates/**'] }
	},
	// The oldest engines the window runs in: WebKitGTK 2.50 and Safari 16 speak this; WebView2 renews itself.
	build: { target: 'es2022' },
	test: {
		include: ['src/**/*.test.ts'],
		environment: 'jsdom',
		restoreMocks: true
	}
});
