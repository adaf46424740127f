import { effect } from '@preact/signals';
import { render } from 'preact';
import { openAddress } from './state/address';
import { listenToKeys } from './state/keys';
import { createPreferences } from './state/preferences';
import { openSession } from './state/session';
import { createTokenStore } from './state/token';
import './styles/index.css';
import { App } from './views/shell/app';
import { ShellContext } from './views/shell/shell';

const shell = {
  address: openAddress(window),
  session: openSession(createTokenStore(() => window.sessionStorage)),
  preferences: createPreferences(() => window.localStorage, navigator.languages),
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
