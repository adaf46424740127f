import type { Finding } from '../../lib/finding';
import { markedParts } from '../../lib/marked';
import { printable } from '../../lib/printable';
import { sayFinding } from '../../lib/text/finding';
import { LongText } from '../record/long-text';
import { useMoments } from '../shell/moment';
import { useShell, useText } from '../shell/shell';

const LONG = 1000;

/** What was found, in the reader's language; in the server's own words where this page has none. */
export function Said({ finding, reason }: { readonly finding: Finding | null; readonly reason: string }) {
  const { preferences } = useShell();
  const moments = useMoments();
  const unknown = useText().shell.time.unknown;
  const language = preferences.language.value;
  const said = finding === null ? null : sayFinding(finding, language, ({ at }) => (at === null ? unknown : moments(at)));
  if (said === null) return <LongText value={reason} most={LONG} />;
  if (said.length > LONG) return <LongText value={markedParts(said).join('')} most={LONG} />;
  return <>{markedParts(said).map((part, i) => (i % 2 === 0 ? <bdi key={i}>{part}</bdi> : <b key={i} class="said-name"><bdi>{printable(part)}</bdi></b>))}</>;
}
