import { askAhead } from './api/ahead';
import { readRoute } from './lib/route';
import { readLiked } from './state/liked';
import { createTokenStore } from './state/token';
import './styles/index.css';

/** The question is on its way before the page is: what it is about stands in the address. */
async function begin(): Promise<void> {
  const tokens = createTokenStore(() => window.sessionStorage);
  const fetcher = askAhead(readRoute(window.location.pathname, window.location.search), tokens.get(), window.fetch.bind(window));
  const liked = readLiked(() => window.localStorage, navigator.languages); // meanwhile: a browser takes its time to look that up
  const { open } = await import('./page');
  if (document.readyState === 'loading') await new Promise((parsed) => document.addEventListener('DOMContentLoaded', parsed, { once: true }));
  open(tokens, fetcher, liked);
}

void begin();
