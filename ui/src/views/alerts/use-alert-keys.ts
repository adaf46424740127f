import { matcherFor } from '../../lib/alerts/matcher';
import { useKeys, useText } from '../shell/shell';

/** From alert to alert, and silencing the one that has the focus. Null: that may not be. */
export function useAlertKeys(silence: ((matchers: string) => void) | null): void {
  const text = useText().alerts.keys;
  useKeys([
    { keys: 'j', says: text.next, run: () => step(1) },
    { keys: 'k', says: text.previous, run: () => step(-1) },
    {
      keys: 's',
      says: text.silence,
      run: () => {
        const key = focused()?.dataset['key'];
        silence?.(key === undefined ? 'new' : matcherFor('alert', key));
      },
    },
  ], [text, silence === null]);
}

function focused(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>('.alert-item') ?? null;
}

function step(by: 1 | -1): void {
  const items = [...document.querySelectorAll<HTMLElement>('.alert-item')];
  const now = focused();
  const next = items[now === null ? 0 : items.indexOf(now) + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
