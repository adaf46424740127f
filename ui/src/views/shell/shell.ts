import { createContext } from 'preact';
import { useContext, useEffect, useLayoutEffect, useMemo } from 'preact/hooks';
import { textIn } from '../../lib/text';
import type { Text } from '../../lib/text';
import type { Address } from '../../state/address';
import type { Binding, Keys } from '../../state/keys';
import { createLoader } from '../../state/loader';
import type { Ask, Loading } from '../../state/loader';
import type { Preferences } from '../../state/preferences';
import type { Session } from '../../state/session';

/** What every view is given. */
export interface Shell {
  readonly address: Address;
  readonly session: Session;
  readonly preferences: Preferences;
  readonly keys: Keys;
}

export const ShellContext = createContext<Shell | null>(null);

export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (shell === null) throw new Error('a view stands outside of the shell');
  return shell;
}

export function useText(): Text {
  return textIn(useShell().preferences.language.value);
}

/** Binds keys for as long as the view is there. `deps` are what their functions rest on. */
export function useKeys(bindings: readonly Binding[], deps: readonly unknown[]): void {
  const { keys } = useShell();
  useLayoutEffect(() => keys.add('here', bindings), [keys, ...deps]); // what is on the screen is what a key is for
}

/**
 * Asks while the view is there, anew when `key` changes, and shows what came. A null key asks nothing. `again` says in how many
 * milliseconds to ask again after an answer, null for not at all. `keep`: an answer stays while another is asked for.
 */
export function useAnswer<T>(key: string | null, ask: Ask<T>, options: { readonly again?: (value: T) => number | null; readonly keep?: boolean } = {}): {
  readonly loading: Loading<T>;
  readonly again: () => void;
} {
  const { session } = useShell();
  const loader = useMemo(() => createLoader<T>(() => document.hidden), []);
  const again = session.again.value;
  useLayoutEffect(() => { // before anything is painted: the answer may be here already
    if (key === null) loader.stop();
    else loader.load(ask, options);
  }, [key]);
  useEffect(() => {
    if (again > 0) loader.again();
  }, [again]);
  useEffect(() => {
    const changed = (): void => loader.visibilityChanged();
    document.addEventListener('visibilitychange', changed);
    return () => {
      document.removeEventListener('visibilitychange', changed);
      loader.stop();
    };
  }, []);
  return { loading: loader.loading.value, again: loader.again };
}
