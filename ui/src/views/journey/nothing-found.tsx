import type { Failure } from '../../api/client';
import { doubtsOf, kindsOf } from '../../lib/looked-for';
import { printable } from '../../lib/printable';
import { conditionOf } from '../../lib/query/condition';
import { Link } from '../shell/link';
import { FailureNotice } from '../shell/notice';
import { useText } from '../shell/shell';

/** No journey has this ID: as what it was looked for, and what may be wrong. */
export function NothingFound({ id, failure, at, looking, onAgain }: {
  readonly id: string;
  readonly failure: Failure;
  readonly at: number;
  readonly looking: boolean;
  readonly onAgain: () => void;
}) {
  const { notFound: text } = useText().journey;
  const words = conditionOf('message', id);
  return (
    <FailureNotice failure={{ ...failure, detail: '' }} at={at} onAgain={onAgain} words={text}>
      <p class="detail"><bdi>{printable(id)}</bdi></p>
      <h2>{text.searched}</h2>
      <ul class="reasons">{kindsOf(id).map((kind) => <li key={kind}>{text.kinds[kind]}</li>)}</ul>
      <h2>{text.wrong}</h2>
      <ul class="reasons">{doubtsOf(id).map((doubt) => <li key={doubt}>{text.doubts[doubt]}</li>)}</ul>
      {words !== null && <p><Link to="search" params={{ q: words.slice('message:'.length), as: 'records' }}>{text.search}</Link></p>}
      {looking && <p role="status">{text.looking}</p>}
    </FailureNotice>
  );
}
