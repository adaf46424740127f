import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';

/** One key, or two pressed one after the other: `?`, `Escape`, `g s`. */
export interface Binding {
  readonly keys: string;
  /** What it does, for the list of keys. */
  readonly says: string;
  readonly run: (event: KeyboardEvent) => void;
  /** Holds also while somebody types. */
  readonly typing?: boolean;
}

/** Keys of the page that is shown, and those that hold everywhere. */
export interface Keys {
  readonly everywhere: ReadonlySignal<readonly Binding[]>;
  readonly here: ReadonlySignal<readonly Binding[]>;
  /** Adds bindings; the function that comes back takes them away. */
  add(scope: 'everywhere' | 'here', bindings: readonly Binding[]): () => void;
}

const PATIENCE_MS = 1200;

export function listenToKeys(target: EventTarget): Keys {
  const scopes = { everywhere: signal<readonly Binding[]>([]), here: signal<readonly Binding[]>([]) };
  let first: { readonly key: string; readonly at: number } | null = null;

  target.addEventListener('keydown', (event) => {
    if (!(event instanceof KeyboardEvent) || event.defaultPrevented || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // While a dialog is above the page, keys are its own.
    if (document.querySelector('dialog:modal') !== null) return;
    const pressed = event.key;
    // What has the focus answers to these itself.
    if ((pressed === 'Enter' || pressed === ' ') && event.target instanceof Element && event.target.closest('a, button, summary, [role=button]') !== null) return;
    const sequence = first !== null && event.timeStamp - first.at < PATIENCE_MS ? `${first.key} ${pressed}` : '';
    const typing = isTyping(event.target);
    // What was added last is nearest to whoever presses.
    const bindings = [...scopes.everywhere.peek(), ...scopes.here.peek()].toReversed().filter((b) => !typing || b.typing === true);
    const hit = bindings.find((b) => b.keys === sequence) ?? bindings.find((b) => b.keys === pressed);
    first = hit === undefined && !typing ? { key: pressed, at: event.timeStamp } : null;
    if (hit === undefined) return;
    event.preventDefault();
    hit.run(event);
  });

  return {
    ...scopes,
    add(scope, bindings) {
      const list = scopes[scope];
      list.value = [...list.peek(), ...bindings];
      return () => {
        list.value = list.peek().filter((b) => !bindings.includes(b));
      };
    },
  };
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input:not([type=checkbox], [type=radio]), textarea, select'));
}
