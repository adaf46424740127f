/** How often each part of the page is asked for. */
export const REFRESH_MS = 5000;
