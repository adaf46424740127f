import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { fetchRun } from '../../api/journeys';
import type { Run } from '../../api/journeys';
import type { Hop, Journey, JourneyRecord } from '../../lib/journey';
import { recordKey } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { RecordRow } from '../record/record-row';
import { useAnswer, useShell, useText } from '../shell/shell';

const FIRST = 100;

/** The records of a hop, folded; they are asked for when that is opened, unless they are here already. */
export function HopRecords({ journey, hop, here, errors, open, selected, onOpen, onToggle, onAll, children }: {
  readonly journey: Journey;
  readonly hop: Hop;
  /** All of them; null where they have to be asked for. */
  readonly here: readonly JourneyRecord[] | null;
  readonly errors: number;
  readonly open: boolean;
  readonly selected: string;
  readonly onOpen: (record: RawRecord) => void;
  readonly onToggle: (open: boolean) => void;
  readonly onAll: () => void;
  /** Said of the hop, below its records. */
  readonly children?: ComponentChildren;
}) {
  const text = useText().journey;
  return (
    <details class="records" open={open} onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary>
        {text.records.count(here?.length ?? hop.records)}
        {errors > 0 && <strong class="errors">{text.records.errors(errors)}</strong>}
      </summary>
      {open && (
        <>
          {here === null
            ? <Asked journey={journey} hop={hop} selected={selected} onOpen={onOpen} onAll={onAll} />
            : <Rows records={here.slice(0, FIRST)} all={here.length} selected={selected} onOpen={onOpen} onAll={onAll} />}
          {children !== undefined && <p class="aside hop-facts">{children}</p>}
        </>
      )}
    </details>
  );
}

function Asked({ journey, hop, selected, onOpen, onAll }: {
  readonly journey: Journey;
  readonly hop: Hop;
  readonly selected: string;
  readonly onOpen: (record: RawRecord) => void;
  readonly onAll: () => void;
}) {
  const { session } = useShell();
  const text = useText();
  const [fresh, setFresh] = useState(false);
  // What the server has let go of is asked for as it is now.
  const revision = fresh ? '' : journey.revision;
  const { loading } = useAnswer<Run>(
    `${journey.correlationId} ${revision} ${hop.id}`,
    (signal) => fetchRun(session.client, journey.correlationId, { revision, hop: hop.id, limit: FIRST }, signal),
    { keep: true },
  );
  const gone = loading.phase === 'failed' && loading.failure.kind === 'gone';
  useEffect(() => {
    if (gone) setFresh(true);
  }, [gone]);
  if (loading.phase === 'failed' && !gone) return <p class="aside">{text.journey.hop.recordsFailed}</p>;
  if (loading.phase !== 'shown') return <p class="aside">{text.shell.loading}</p>;
  return <Rows records={loading.value.records} all={loading.value.count} selected={selected} onOpen={onOpen} onAll={onAll} />;
}

function Rows({ records, all, selected, onOpen, onAll }: {
  readonly records: readonly JourneyRecord[];
  readonly all: number;
  readonly selected: string;
  readonly onOpen: (record: RawRecord) => void;
  readonly onAll: () => void;
}) {
  const text = useText().journey;
  if (records.length === 0) return <p class="aside">{text.records.none}</p>;
  return (
    <>
      <ol class="hop-records">
        {records.map((record, i) => (
          <li key={i}><RecordRow record={record.raw} selected={selected !== '' && recordKey(record.raw) === selected} onOpen={onOpen} /></li>
        ))}
      </ol>
      {all > records.length && <button type="button" class="show-all" onClick={onAll}>{text.hop.allRecords(all)}</button>}
    </>
  );
}
