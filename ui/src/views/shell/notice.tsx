import type { ComponentChildren } from 'preact';
import type { Failure } from '../../api/client';
import { printable } from '../../lib/printable';
import { nanosOf } from '../../lib/time';
import { Icon } from './icons';
import type { IconName } from './icons';
import { Moment } from './moment';
import { useText } from './shell';

/** Something to read in place of what was asked for. */
export function Notice({ icon, title, children }: { readonly icon: IconName; readonly title: string; readonly children: ComponentChildren }) {
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

/** Why there is no answer, and what may be done. `words` replace the usual ones. */
export function FailureNotice({ failure, at, looking = false, words, onAgain, children }: {
  readonly failure: Failure;
  readonly at: number;
  readonly looking?: boolean;
  readonly words?: { readonly title: string; readonly body: string };
  readonly onAgain: () => void;
  readonly children?: ComponentChildren;
}) {
  const text = useText().shell.failure;
  const { title, body } = words ?? usualWords(failure, text);
  const status = failure.kind === 'server_error' && failure.status > 0 ? text.status(failure.status) : '';
  const detail = [printable(failure.detail), status].filter(Boolean).join(' · ');
  const final = failure.kind === 'invalid' || failure.kind === 'ambiguous';
  return (
    <Notice icon={iconOf(failure)} title={title}>
      <p>{body}</p>
      {detail !== '' && <p class="detail"><bdi>{detail}</bdi></p>}
      {children}
      {!final && (
        <p class="notice-actions" data-looking={looking}>
          <button type="button" onClick={onAgain}>{text.again}</button>
          <span><Moment at={nanosOf(at)} /></span>
        </p>
      )}
    </Notice>
  );
}

function iconOf({ kind }: Failure): IconName {
  if (kind === 'unauthorized' || kind === 'forbidden') return 'lock';
  return kind === 'not_found' || kind === 'ambiguous' || kind === 'gone' ? 'question' : 'cross';
}

export function usualWords(failure: Failure, text: ReturnType<typeof useText>['shell']['failure']): { readonly title: string; readonly body: string } {
  const names = {
    not_found: 'notFound', invalid: 'invalid', unauthorized: 'unauthorized', forbidden: 'forbidden', ambiguous: 'ambiguous', gone: 'gone',
    unreachable: 'unreachable', server_error: 'serverError', not_understood: 'notUnderstood',
  } as const;
  return text[names[failure.kind]];
}
