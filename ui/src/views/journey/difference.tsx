import { useEffect, useState } from 'preact/hooks';
import { fetchDifference } from '../../api/journeys';
import type { Difference as Differing, Divergence } from '../../api/schema';
import { formatDuration } from '../../lib/duration';
import { readId, shortForm } from '../../lib/id';
import type { IdFault } from '../../lib/id';
import { printable } from '../../lib/printable';
import type { Text } from '../../lib/text';
import { Icon } from '../shell/icons';
import type { IconName } from '../shell/icons';
import { Link } from '../shell/link';
import { usualWords } from '../shell/notice';
import { ServiceName } from '../shell/service-name';
import { useAnswer, useShell, useText } from '../shell/shell';

export const USUAL = 'usual';
const MOST = 100;

const icons: Record<Divergence['what'], IconName> = { missing: 'question', extra: 'info', slow: 'pause', waited: 'pause', failing: 'cross' };

/** How a journey departs from the usual, or from another one. */
export function Difference({ id, other, onOther, onHop, onClose }: {
  readonly id: string;
  /** `usual`, or the ID of another journey. */
  readonly other: string;
  readonly onOther: (other: string) => void;
  readonly onHop: (hop: string) => void;
  readonly onClose: () => void;
}) {
  const { session } = useShell();
  const text = useText();
  const words = text.journey.difference;
  const [entered, setEntered] = useState(other === USUAL ? '' : other);
  const [fault, setFault] = useState<IdFault | 'same' | null>(null);
  useEffect(() => setEntered(other === USUAL ? '' : other), [other]);
  const { loading, again } = useAnswer<Differing>(`${id} ${other}`, (signal) => fetchDifference(session.client, id, other, signal));
  const submit = (event: Event): void => {
    event.preventDefault();
    const read = readId(entered);
    const wrong = 'fault' in read ? read.fault : read.id === id ? 'same' : null;
    setFault(wrong);
    if (wrong === null && 'id' in read) onOther(read.id);
  };
  return (
    <section class="sheet difference" aria-labelledby="difference-title" aria-busy={loading.phase === 'loading'}>
      <header>
        <h2 id="difference-title" tabIndex={-1}>{words.title}</h2>
        <div class="chips">
          <button type="button" class="chip" aria-pressed={other === USUAL} onClick={() => onOther(USUAL)}>{words.withUsual}</button>
          <form class="chip-find" noValidate onSubmit={submit}>
            <input
              aria-label={words.other}
              placeholder={words.other}
              value={entered}
              autocomplete="off"
              spellcheck={false}
              aria-invalid={fault !== null}
              aria-describedby="difference-fault"
              onInput={(event) => setEntered(event.currentTarget.value)}
            />
            <button type="submit" class="chip">{words.submit}</button>
          </form>
        </div>
        <button type="button" class="icon-button" aria-label={words.close} onClick={onClose}><Icon name="close" /></button>
      </header>
      <p id="difference-fault" class="chip-fault" role="alert">{fault === null ? '' : fault === 'same' ? words.sameId : text.shell.box.faults[fault]}</p>
      {loading.phase === 'loading' && <p class="aside">{words.loading}</p>}
      {loading.phase === 'failed' && (
        <p class="aside">
          <bdi>{printable(loading.failure.detail) || usualWords(loading.failure, text.shell.failure).body}</bdi>{' '}
          <button type="button" class="show-all" onClick={again}>{text.shell.failure.again}</button>
        </p>
      )}
      {loading.phase === 'shown' && <Divergences difference={loading.value} onHop={onHop} />}
    </section>
  );
}

function Divergences({ difference, onHop }: { readonly difference: Differing; readonly onHop: (hop: string) => void }) {
  const { difference: words, papers } = useText().journey;
  const { divergences, first } = difference;
  const usual = difference.with === '';
  return (
    <div role="status">
      <p class="aside">
        {usual
          ? words.learned(difference.journeys, printable(difference.other_kind.slice(0, 200)), printable(difference.other_release.slice(0, 60)))
          : <Link to="journey" params={{ id: difference.with }}><code>{printable(shortForm(difference.with))}</code> <bdi>{printable(difference.other_kind.slice(0, 200))}</bdi></Link>}
      </p>
      {difference.few ? <p>{words.few}</p> : divergences.length === 0 ? <p class="same"><Icon name="check" /> {words.none}</p> : (
        <>
          <p><strong>{words.count(divergences.length)}</strong></p>
          <ol class="divergences">
            {divergences.slice(0, MOST).map((divergence, i) => (
              <li key={i} data-what={divergence.what}>
                <Icon name={icons[divergence.what]} />
                <ServiceName name={divergence.service.slice(0, 120)} />
                {divergence.hop === '' ? <bdi class="operation-name">{printable(divergence.name.slice(0, 200))}</bdi> : (
                  <button type="button" class="show-all operation-name" onClick={() => onHop(divergence.hop)}><bdi>{printable(divergence.name.slice(0, 200))}</bdi></button>
                )}
                <span>{said(divergence, usual, words)}</span>
                {i === 0 && first !== undefined && first !== null && <em class="tag">{words.first}</em>}
              </li>
            ))}
          </ol>
          {divergences.length > MOST && <p class="aside">{papers.more(divergences.length - MOST)}</p>}
        </>
      )}
    </div>
  );
}

function said({ what, took, usual: other }: Divergence, usual: boolean, words: Text['journey']['difference']): string {
  const [long, short] = [formatDuration(took ?? 0), formatDuration(other ?? 0)];
  switch (what) {
    case 'missing':
      return usual ? words.missing : words.missingOther;
    case 'extra':
      return usual ? words.extra : words.extraOther;
    case 'slow':
      return usual ? words.slow(long, short) : words.slowOther(long, short);
    case 'waited':
      return usual ? words.waited(long, short) : words.waitedOther(long, short);
    case 'failing':
      return usual ? words.failing : words.failingOther;
  }
}
