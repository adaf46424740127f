import { useEffect, useRef, useState } from 'preact/hooks';
import type { AlertOf, SilenceSaid } from '../../api/schema';
import { matched, matcherLines, parseMatcher } from '../../lib/alerts/matcher';
import { silenceWish, spanNames } from '../../lib/alerts/silence';
import type { Span } from '../../lib/alerts/silence';
import { printable } from '../../lib/printable';
import { useText } from '../shell/shell';
import { NotDone } from './not-done';
import { useSending } from './use-sending';

/** Asks what to keep quiet, for how long, and why. `matchers` are those to begin with, one a line. */
export function SilenceDialog({ matchers, alerts, mayNot, onDone, onClose }: {
  readonly matchers: string;
  readonly alerts: readonly AlertOf[];
  readonly mayNot: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const text = useText().alerts.silences;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const [match, setMatch] = useState(matchers);
  const [span, setSpan] = useState<Span>('2h');
  const [until, setUntil] = useState('');
  const [comment, setComment] = useState('');
  const [fault, setFault] = useState('');
  const { sending, send } = useSending();
  const lines = matcherLines(match);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const bad = lines.find((line) => parseMatcher(line) === null);
    const wish = bad === undefined ? silenceWish(lines, span, until, comment, Date.now()) : text.bad(printable(bad.slice(0, 100)));
    if (typeof wish === 'string') {
      setFault(wish === 'matchers' || wish === 'ends' ? text.faults[wish] : wish);
      return;
    }
    setFault('');
    if (!(await send((client, signal) => client.send<SilenceSaid>('POST', '/alerts/silences', wish, signal)))) return;
    onDone();
    dialog.current?.close();
  };

  return (
    <dialog ref={dialog} class="dialog silence" aria-labelledby="silence-title" onClose={onClose}>
      <h2 id="silence-title">{text.dialog}</h2>
      <form noValidate onSubmit={(event) => void submit(event)}>
        <label for="silence-match">{text.match}</label>
        <textarea id="silence-match" rows={Math.min(6, Math.max(2, lines.length + 1))} value={match} spellcheck={false} placeholder={text.matchExample} aria-describedby="silence-help silence-keeps" onInput={(event) => setMatch(event.currentTarget.value)} />
        <p id="silence-keeps" role="status"><Keeps lines={lines} alerts={alerts} /></p>
        <p id="silence-help" class="aside">{text.matchHelp}</p>

        <fieldset>
          <legend>{text.span}</legend>
          <div class="spans">
            {spanNames.map((name) => (
              <label key={name}>
                <input type="radio" name="span" value={name} checked={until === '' && span === name} onChange={() => { setSpan(name); setUntil(''); }} />
                <span>{text.spans[name]}</span>
              </label>
            ))}
          </div>
          <label class="until">{text.until} <input type="datetime-local" class="field" value={until} onInput={(event) => setUntil(event.currentTarget.value)} /></label>
        </fieldset>

        <label for="silence-comment">{text.comment} <span class="aside">{text.commentHelp}</span></label>
        <input id="silence-comment" class="field" value={comment} maxLength={1000} autocomplete="off" onInput={(event) => setComment(event.currentTarget.value)} />

        <p class="silence-fault" role="alert">
          {mayNot !== '' ? mayNot : fault !== '' ? <span class="missing">{fault}</span> : sending.phase === 'failed' && <NotDone failure={sending.failure} />}
        </p>
        <div class="silence-actions">
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>{text.cancel}</button>
          <button type="submit" class="primary" disabled={mayNot !== '' || sending.phase === 'asked'}>{sending.phase === 'asked' ? text.submitting : text.submit}</button>
        </div>
      </form>
    </dialog>
  );
}

/** Which of the alerts the silence would hold for, before it does. */
function Keeps({ lines, alerts }: { readonly lines: readonly string[]; readonly alerts: readonly AlertOf[] }) {
  const text = useText().alerts.silences;
  const read = lines.map(parseMatcher);
  const matchers = read.filter((one) => one !== null);
  if (matchers.length === 0 || matchers.length < read.length) return null;
  const hits = matched(alerts, matchers);
  return <>{hits === null ? text.keepsUnknown : text.keeps(hits.length)}</>;
}
