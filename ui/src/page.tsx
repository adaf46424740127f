import { effect } from '@preact/signals';
import { render } from 'preact';
import type { Fetcher } from './api/question';
import { openAddress } from './state/address';
import { listenToKeys } from './state/keys';
import type { Liked } from './state/liked';
import { createPreferences } from './state/preferences';
import { openSession } from './state/session';
import type { TokenStore } from './state/token';
import { App } from './views/shell/app';
import { ShellContext } from './views/shell/shell';

export function open(tokens: TokenStore, fetcher: Fetcher, liked: Liked): void {
  const shell = {
    address: openAddress(window),
    session: openSession(tokens, fetcher),
    preferences: createPreferences(() => window.localStorage, liked),
    keys: listenToKeys(window),
  };

  window.addEventListener('online', () => shell.session.retry());
  effect(() => {
    const { theme, language } = shell.preferences;
    document.documentElement.lang = language.value;
    document.documentElement.dataset['theme'] = theme.value;
    const color = document.querySelector('meta[name="color-scheme"]');
    color?.setAttribute('content', theme.value === 'system' ? 'light dark' : theme.value);
  });

  const root = document.getElementById('app');
  if (root !== null) {
    render(<ShellContext.Provider value={shell}><App /></ShellContext.Provider>, root);
  }
}
