import type { Binding } from '../../state/keys';
import { useShell, useText } from './shell';

const ID = 'keys';

export function openKeys(): void {
  const dialog = document.getElementById(ID);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

/** Which keys do what, here and everywhere. */
export function KeysDialog() {
  const { keys } = useShell();
  const text = useText().shell.keys;
  return (
    <dialog id={ID} class="dialog" aria-labelledby="keys-title">
      <h2 id="keys-title">{text.title}</h2>
      {keys.here.value.length > 0 && <Bindings title={text.here} bindings={keys.here.value} />}
      <Bindings title={text.everywhere} bindings={keys.everywhere.value} />
      <form method="dialog"><button type="submit" class="primary">{text.closeButton}</button></form>
    </dialog>
  );
}

function Bindings({ title, bindings }: { readonly title: string; readonly bindings: readonly Binding[] }) {
  const { followedBy } = useText().shell.keys;
  return (
    <section>
      <h3>{title}</h3>
      <dl class="bindings">
        {inOrder(bindings).map(({ keys, says }) => (
          <div key={keys}>
            <dt>{keys.split(' ').map((key, i) => <span key={key}>{i > 0 && ` ${followedBy} `}<kbd>{names[key] ?? key}</kbd></span>)}</dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Views bind their keys anew as they change; the list stays as it is. */
function inOrder(bindings: readonly Binding[]): readonly Binding[] {
  return bindings.toSorted((a, b) => (a.keys < b.keys ? -1 : 1));
}

const names: Readonly<Record<string, string>> = { ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc', ' ': 'Space' };
