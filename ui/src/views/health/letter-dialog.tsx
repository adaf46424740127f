import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../../api/client';
import type { Replayed, WholeLetter } from '../../api/schema';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { LongText } from '../record/long-text';
import { Awaited } from '../shell/awaited';
import { Moment } from '../shell/moment';
import { useAnswer, useShell, useText } from '../shell/shell';

/** One dead letter, whole, and the way to send it once more. */
export function LetterDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const { session } = useShell();
  const text = useText().health;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const place = /^\d+\/\d+$/.test(id) ? id : '0/0'; // an address may say anything
  const { loading, again } = useAnswer<WholeLetter>(id, (signal) => session.client.get(`/deadletters/${place}`, {}, signal));
  return (
    <dialog ref={dialog} class="dialog letter" aria-labelledby="letter-title" onClose={onClose}>
      <h2 id="letter-title">{text.letterTitle(printable(id))}</h2>
      <Awaited loading={loading} onAgain={again}>{(letter) => <Body letter={letter} />}</Awaited>
      <form method="dialog"><button type="submit" class="quiet">{text.close}</button></form>
    </dialog>
  );
}

function Body({ letter }: { readonly letter: WholeLetter }) {
  const text = useText().health;
  return (
    <>
      <dl>
        <dt>{text.letterColumns.reason}</dt><dd><bdi>{printable(letter.reason)}</bdi></dd>
        <dt>{text.letterColumns.written}</dt><dd><Moment at={parseTime(letter.time)} withDay /></dd>
        <dt>{text.letterColumns.from}</dt><dd><code>{printable(letter.topic)}/{letter.partition}/{letter.offset}</code></dd>
        {letter.key !== '' && <><dt>{text.letterKey}</dt><dd><code>{printable(letter.key)}</code></dd></>}
        {letter.headers.map(({ name, value }) => <><dt><bdi>{printable(name)}</bdi></dt><dd><bdi>{printable(value)}</bdi></dd></>)}
        <dt>{text.letterColumns.bytes}</dt><dd>{grouped(letter.bytes)}</dd>
      </dl>
      {letter.until === undefined ? (
        <>
          {letter.text === null && <p class="aside">{text.letterBinary}</p>}
          {letter.cut && <p class="aside">{text.letterCut}</p>}
          <pre tabIndex={0}><LongText value={letter.text ?? letter.data} /></pre>
        </>
      ) : <p>{text.letterRange(letter.until - letter.offset)}</p>}
      <Replay letter={letter} />
    </>
  );
}

type Replaying = { readonly phase: 'idle' | 'asked' | 'done' } | { readonly phase: 'failed'; readonly failure: Failure };

function Replay({ letter }: { readonly letter: WholeLetter }) {
  const { session } = useShell();
  const text = useText().health;
  const [state, setState] = useState<Replaying>({ phase: 'idle' });
  const replay = async (): Promise<void> => {
    setState({ phase: 'asked' });
    const answer = await session.client.send<Replayed>('POST', `/deadletters/${letter.id}/replay`, undefined, new AbortController().signal);
    setState(answer.kind === 'found' ? { phase: 'done' } : { phase: 'failed', failure: answer });
  };
  return (
    <div class="letter-actions">
      <p role="status">
        {letter.no_replay !== '' ? <bdi>{printable(letter.no_replay)}</bdi> : state.phase === 'done' ? text.replayed : state.phase === 'failed' ? <span class="missing">{printable(state.failure.detail)}</span> : text.replayAbout}
      </p>
      <button type="button" class="primary" disabled={letter.no_replay !== '' || state.phase === 'asked' || state.phase === 'done'} onClick={() => void replay()}>
        {state.phase === 'asked' ? text.replaying : text.replay}
      </button>
    </div>
  );
}
