import type { Failure } from '../api/journeys';
import type { IdFault } from '../lib/id';
import { searchForId } from '../lib/id';
import { printable } from '../lib/printable';
import { text } from '../lib/text';
import { clockTime } from '../lib/time';
import { Icon } from './icons';
import type { IconName } from './icons';

type Shown = Exclude<Failure, { readonly kind: 'unauthorized' }>;

export function FailureNotice({ failure, at, looking, onAgain }: {
  readonly failure: Shown;
  readonly at: number;
  readonly looking: boolean;
  readonly onAgain: () => void;
}) {
  const words = wordsFor(failure);
  const status = failure.kind === 'server_error' ? text.failure.status(failure.status) : '';
  const detail = [printable('detail' in failure ? failure.detail : ''), status].filter(Boolean).join(' · ');
  const final = failure.kind === 'bad_id' || failure.kind === 'ambiguous';
  return (
    <Notice icon={failure.kind === 'not_found' || failure.kind === 'ambiguous' ? 'question' : 'cross'} title={words.title}>
      <p>{words.body}{failure.kind === 'not_found' && looking ? ` ${text.failure.notFound.looking}` : ''}</p>
      {detail !== '' && <p class="detail"><bdi>{detail}</bdi></p>}
      {failure.kind === 'ambiguous' && (
        <ul class="candidates">
          {failure.candidates.map((id) => <li key={id}><a href={`/${searchForId(id)}`}><code>{id}</code></a></li>)}
        </ul>
      )}
      {!final && (
        <p class="notice-actions">
          <button type="button" onClick={onAgain}>{text.failure.again}</button>
          <span>{text.failure.checked(clockTime(BigInt(at) * 1_000_000n))}</span>
        </p>
      )}
    </Notice>
  );
}

export function RefusedNotice({ fault }: { readonly fault: IdFault }) {
  return (
    <Notice icon="cross" title={text.failure.badId.title}>
      <p>{text.box.faults[fault]}</p>
    </Notice>
  );
}

export function failureTitle(failure: Failure): string {
  return failure.kind === 'unauthorized' ? text.token.title : wordsFor(failure).title;
}

function Notice({ icon, title, children }: {
  readonly icon: IconName;
  readonly title: string;
  readonly children: preact.ComponentChildren;
}) {
  return (
    <section class="sheet notice" aria-labelledby="notice-title">
      <span class="seal"><Icon name={icon} /></span>
      <div>
        <h1 id="notice-title">{title}</h1>
        {children}
      </div>
    </section>
  );
}

function wordsFor(failure: Shown): { readonly title: string; readonly body: string } {
  switch (failure.kind) {
    case 'not_found':
      return text.failure.notFound;
    case 'ambiguous':
      return text.failure.ambiguous;
    case 'bad_id':
      return text.failure.badId;
    case 'forbidden':
      return text.failure.forbidden;
    case 'unreachable':
      return text.failure.unreachable;
    case 'server_error':
      return text.failure.serverError;
    case 'not_understood':
      return text.failure.notUnderstood;
  }
}
