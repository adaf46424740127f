/** How often each part of the page is asked for. */
export const REFRESH_MS = 4000;
/** While somebody waits for what comes of a test. */
export const HURRY_MS = 700;
