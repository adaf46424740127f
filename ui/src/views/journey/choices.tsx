import type { Choice } from '../../api/schema';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { Link } from '../shell/link';
import { Moment } from '../shell/moment';
import { useText } from '../shell/shell';
import { VerdictBadge } from '../shell/verdict-badge';

/** The journeys that an ID may mean, with what is known of each. */
export function Choices({ choices }: { readonly choices: readonly Choice[] }) {
  const { choices: text } = useText().journey;
  return (
    <ul class="choices" aria-label={text.title(choices.length)}>
      {choices.map((choice) => {
        const start = choice.start === null ? null : parseTime(choice.start);
        return (
          <li key={choice.correlation_id}>
            <Link to="journey" params={{ id: choice.correlation_id }}>
              <code>{printable(choice.correlation_id)}</code>
              {choice.verdict === undefined && choice.kind === '' && start === null ? <span class="aside">{text.unknown}</span> : (
                <>
                  {choice.verdict !== undefined && <VerdictBadge verdict={choice.verdict} />}
                  <bdi>{printable(choice.kind.slice(0, 200))}</bdi>
                  {start !== null && <Moment at={start} withDay />}
                </>
              )}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
