import type { TailState } from '../../state/tail';
import { useText } from '../shell/shell';

/** Whether the tail is live, and what of all that matched was shown. */
export function TailStatus({ state, paused }: { readonly state: TailState; readonly paused: boolean }) {
  const text = useText().tail;
  const { shown, skipped } = state.receipt;
  return (
    <>
      <span class="tail-status" data-phase={state.phase} role="status">{text.phases[state.phase]}{paused && ` · ${text.paused}`}</span>
      <span class="tail-receipt" data-skipped={skipped > 0} title={text.receiptWhy}>{text.receipt(shown, skipped)}</span>
    </>
  );
}
