// Everything is drawn in the window: there is no server to draw it before.
export const ssr = false;
export const prerender = false;
