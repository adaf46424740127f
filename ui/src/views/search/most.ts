/** How many results a list keeps. */
export const MOST = 10_000;
