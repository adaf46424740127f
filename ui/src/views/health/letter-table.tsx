import type { Letter, Letters } from '../../api/schema';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { Awaited } from '../shell/awaited';
import { Moment } from '../shell/moment';
import { useAnswer, useShell, useText } from '../shell/shell';
import { LetterDialog } from './letter-dialog';
import { REFRESH_MS } from './refresh';

const MOST = 100;

/** Messages that could not be stored; `letter` is the one that is looked at. */
export function LetterTable({ letter }: { readonly letter: string }) {
  const { address, session } = useShell();
  const text = useText().health;
  const { loading, again } = useAnswer<Letters>('letters', (signal) => session.client.get('/deadletters', { limit: MOST }, signal), { again: () => REFRESH_MS });
  const forbidden = loading.phase === 'failed' && loading.failure.kind === 'forbidden';
  return (
    <section class="health-part" aria-labelledby="letters-title">
      <h2 id="letters-title">{text.letters}</h2>
      <p class="aside">{forbidden ? text.lettersForbidden : text.lettersAbout}</p>
      {!forbidden && (
        <Awaited loading={loading} onAgain={again}>
          {({ letters }) => letters.length === 0 ? <p>{text.lettersNone}</p> : (
            <div class="table" tabIndex={0} role="region" aria-labelledby="letters-title">
              <table>
                <thead>
                  <tr>
                    <th>{text.letterColumns.id}</th><th>{text.letterColumns.written}</th><th>{text.letterColumns.from}</th>
                    <th>{text.letterColumns.reason}</th><th class="number">{text.letterColumns.bytes}</th>
                  </tr>
                </thead>
                <tbody>{letters.map((one) => <Row key={one.id} letter={one} onOpen={() => address.set({ letter: one.id })} />)}</tbody>
              </table>
            </div>
          )}
        </Awaited>
      )}
      {letter !== '' && <LetterDialog key={letter} id={letter} onClose={() => address.set({ letter: undefined })} />}
    </section>
  );
}

function Row({ letter, onOpen }: { readonly letter: Letter; readonly onOpen: () => void }) {
  const text = useText().health;
  return (
    <tr>
      <th scope="row"><button type="button" class="quiet" aria-label={text.letterOpen(letter.id)} onClick={onOpen}><code>{letter.id}</code></button></th>
      <td><Moment at={parseTime(letter.time)} withDay /></td>
      <td><code>{printable(letter.topic)}/{letter.partition}/{letter.offset}</code></td>
      <td class="wrap"><bdi>{printable(letter.reason)}</bdi></td>
      <td class="number">{grouped(letter.bytes)}</td>
    </tr>
  );
}
