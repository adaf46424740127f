import type { Failure } from '../../api/client';
import { printable } from '../../lib/printable';
import { usualWords } from '../shell/notice';
import { useText } from '../shell/shell';

/** Why something was not done. */
export function NotDone({ failure }: { readonly failure: Failure }) {
  const text = useText();
  return <span class="missing">{text.alerts.failed} <bdi>{printable(failure.detail) || usualWords(failure, text.shell.failure).title}</bdi></span>;
}
