import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icons';
import { useText } from './shell';

type State = 'idle' | 'copied' | 'selected';

/** `shownIn` is the ID of the element that shows the value: where the browser does not let a page copy, it is selected instead. */
export function CopyButton({ value, shownIn, label, words }: {
  readonly value: string;
  readonly shownIn: string;
  readonly label: string;
  /** What stands on it, where that is not "Copy". */
  readonly words?: string;
}) {
  const text = useText().shell.copy;
  const [state, setState] = useState<State>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), 2500);
    return () => clearTimeout(timer);
  }, [state]);

  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      setState('copied');
    } catch {
      // Pages on plain HTTP beyond this machine have no clipboard.
      setState(select(shownIn) ? 'selected' : 'idle');
    }
  };

  return (
    <>
      <button type="button" class="copy" aria-label={label} data-state={state} onClick={() => void copy()}>
        <Icon name={state === 'copied' ? 'check' : 'copy'} />
        <span>{state === 'copied' ? text.copied : (words ?? text.copy)}</span>
      </button>
      <span class={state === 'selected' ? 'aside' : 'unseen'} role="status">
        {state === 'copied' ? text.copied : state === 'selected' ? text.selected : ''}
      </span>
    </>
  );
}

function select(id: string): boolean {
  const element = document.getElementById(id);
  const selection = window.getSelection();
  if (element === null || selection === null) return false;
  selection.selectAllChildren(element);
  return true;
}
