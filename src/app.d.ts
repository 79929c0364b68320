/// <reference types="@sveltejs/kit" />

declare global {
	namespace App {
		interface PageState {
			/** The list was chosen, and leads to no room by itself. */
			stay?: boolean;
		}
	}
}

export {};
