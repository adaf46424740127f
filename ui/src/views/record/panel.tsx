import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useKeys, useText } from '../shell/shell';

const narrow = window.matchMedia('(max-width: 980px)');

/** A dialog that lets the rest be used where it lies beside, and does not where it lies over. */
export function Panel({ labelledBy, onClose, children }: { readonly labelledBy: string; readonly onClose: () => void; readonly children: ComponentChildren }) {
  const text = useText().record;
  const dialog = useRef<HTMLDialogElement>(null);
  useKeys([{ keys: 'Escape', says: text.keys.close, run: onClose }], [onClose, text]);
  useEffect(() => {
    const before = document.activeElement;
    const open = (): void => {
      dialog.current?.close();
      if (narrow.matches) dialog.current?.showModal();
      else dialog.current?.show();
    };
    open();
    document.getElementById(labelledBy)?.focus({ preventScroll: true });
    narrow.addEventListener('change', open);
    return () => {
      narrow.removeEventListener('change', open);
      // What had the focus may be a row that has been scrolled away since.
      const back = before instanceof HTMLElement && before.isConnected && before !== document.body ? before : (document.querySelector<HTMLElement>('.virtual-list') ?? document.querySelector<HTMLElement>('main'));
      back?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class="record-panel"
      aria-labelledby={labelledBy}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      {children}
    </dialog>
  );
}

/** A list, and a panel beside it once there is one. */
export function Beside({ panel, children }: { readonly panel: ComponentChildren; readonly children: ComponentChildren }) {
  return (
    <div class="beside" data-open={panel !== null}>
      <div class="beside-list">{children}</div>
      {panel}
    </div>
  );
}
