import { useEffect, useState } from 'preact/hooks';
import type { JourneyRecord } from '../../lib/journey';
import { printable } from '../../lib/printable';
import { parseRecord } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { levelTone } from '../../lib/track';
import type { Tone } from '../../lib/track';
import type { Text } from '../../lib/text';
import { Icon } from '../shell/icons';
import { Moment } from '../shell/moment';
import { ServiceName } from '../shell/service-name';
import { useText } from '../shell/shell';

const WIDE = 32;
const NARROW = 56;
const narrow = window.matchMedia('(max-width: 720px)');

/** The height of a row, in pixels, for lists that have to know it. */
export function useRowHeight(): number {
  const [small, setSmall] = useState(narrow.matches);
  useEffect(() => {
    const changed = (): void => setSmall(narrow.matches);
    narrow.addEventListener('change', changed);
    return () => narrow.removeEventListener('change', changed);
  }, []);
  return small ? NARROW : WIDE;
}

/** One record on one line, for lists. `selected`: it is the one that is open. `isNew`: it came while the list was looked at. */
export function RecordRow({ record, selected = false, isNew = false, withDay = false, onOpen }: {
  readonly record: RawRecord;
  readonly selected?: boolean;
  readonly isNew?: boolean;
  readonly withDay?: boolean;
  readonly onOpen: (record: RawRecord) => void;
}) {
  const text = useText().record;
  const whole = parseRecord(record);
  const tone = levelTone(whole.level);
  const said = boundaryOf(whole, text);
  const failed = [whole.errorType, whole.errorMessage].filter(Boolean).join(': ');
  return (
    <button type="button" class="record-row" data-tone={tone} data-boundary={said !== ''} data-new={isNew} aria-current={selected} onClick={() => onOpen(record)}>
      <span class="record-time"><Moment at={whole.time} withDay={withDay} /></span>
      <Level level={whole.level} tone={tone} />
      <span class="record-service"><ServiceName name={start(whole.service, 120)} /></span>
      <span class="record-says">
        {isNew && <em class="record-new">{text.news}</em>}
        {said !== '' && <i class="record-kind">{said}</i>}
        <bdi>{printable(start(whole.message, 400)) || text.noMessage}</bdi>
        {failed !== '' && <bdi class="record-failed">{printable(start(failed, 400))}</bdi>}
      </span>
    </button>
  );
}

/** A level in its own word; errors and warnings have a shape as well. */
export function Level({ level, tone }: { readonly level: string; readonly tone: Tone }) {
  const text = useText().record;
  return (
    <span class="record-level" data-tone={tone}>
      {(tone === 'error' || tone === 'warn') && <Icon name={tone === 'error' ? 'cross' : 'alert'} />}
      <bdi>{printable(start(level, 20)) || text.noLevel}</bdi>
    </span>
  );
}

/** What a record says of its hop besides its message; empty where it says nothing. */
export function boundaryOf(record: JourneyRecord, text: Text['record']): string {
  switch (record.kind) {
    case 'hop.start':
      return text.starts[record.span ?? 'internal'];
    case 'hop.end':
      return text.ends[record.span ?? 'internal'];
    case 'outcome':
      return text.outcome;
    case 'expect':
      return text.expect;
    case 'alias':
      return text.alias;
    default:
      return '';
  }
}

// A line shows no more, and a message may have a million characters.
function start(value: string, most: number): string {
  return value.length > most ? `${value.slice(0, most)}…` : value;
}
