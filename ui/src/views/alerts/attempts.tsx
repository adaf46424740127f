import type { Attempt, Delivery } from '../../api/schema';
import { headAndBody, outcomeOf } from '../../lib/alerts/delivery';
import { formatDuration } from '../../lib/duration';
import { parseTime } from '../../lib/time';
import { LongText } from '../record/long-text';
import { Moment } from '../shell/moment';
import { useText } from '../shell/shell';
import { OutcomeBadge } from './badges';

/** What was sent at each try, and what was answered. */
export function Attempts({ delivery }: { readonly delivery: Delivery }) {
  const text = useText().alerts.deliveries;
  const { attempts, tries } = delivery;
  if (attempts.length === 0) return <p class="aside">{text.attemptsNone}</p>;
  return (
    <>
      {tries > attempts.length && <p class="aside">{text.attemptsCut(attempts.length)}</p>}
      <ol class="attempts" aria-label={text.attempts}>{attempts.toReversed().map((attempt) => <Try key={attempt.number} attempt={attempt} />)}</ol>
    </>
  );
}

function Try({ attempt }: { readonly attempt: Attempt }) {
  const text = useText().alerts.deliveries;
  return (
    <li>
      <h4>
        {text.attempt(attempt.number)} <OutcomeBadge outcome={outcomeOf(attempt.outcome)} />
        {attempt.status !== undefined && <code>{attempt.status}</code>}
        <span class="aside"><Moment at={parseTime(attempt.at)} /> · {text.took} {formatDuration(attempt.took)}</span>
      </h4>
      {attempt.error !== undefined && <p class="missing"><LongText value={attempt.error} most={600} /></p>}
      <div class="heads">
        <Head title={text.request} value={attempt.request ?? ''} />
        <Head title={text.answer} value={attempt.answer ?? ''} />
      </div>
    </li>
  );
}

function Head({ title, value }: { readonly title: string; readonly value: string }) {
  const text = useText().alerts.deliveries;
  const { head, body } = headAndBody(value);
  return (
    <div>
      <h5>{title}</h5>
      {value === '' ? <p class="aside">{text.noAnswer}</p> : (
        <pre tabIndex={0} aria-label={title}>
          <LongText value={head} most={1500} />
          {body !== '' && <>{'\n\n'}<LongText value={body} most={1500} class="head-body" /></>}
        </pre>
      )}
    </div>
  );
}
