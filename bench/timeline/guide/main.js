/** Opens the room on a press, as a room list would. */
import { mount, unmount } from 'svelte';
import Page from './Page.svelte';

let page;
document.querySelector('#open').onclick = () => {
	page = mount(Page, { target: document.querySelector('#page'), props: { roomId: 'general', user: { id: 'sato' } } });
};
document.querySelector('#leave').onclick = () => page && unmount(page);
