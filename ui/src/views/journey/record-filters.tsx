import { useEffect, useState } from 'preact/hooks';
import type { Failure } from '../../api/client';
import type { Journey } from '../../lib/journey';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { levels } from '../../lib/record-filter';
import type { RecordFilter } from '../../lib/record-filter';
import { Icon } from '../shell/icons';
import { ServiceName } from '../shell/service-name';
import { useText } from '../shell/shell';

const CHIPS = 40;

/** Which records are shown: by level, by service, by words. `failure`: why the words cannot be asked for. */
export function RecordFilters({ journey, filter, failure, onChange }: {
  readonly journey: Journey;
  readonly filter: RecordFilter;
  readonly failure: Failure | null;
  readonly onChange: (change: Partial<RecordFilter>) => void;
}) {
  const text = useText().journey;
  const [words, setWords] = useState(filter.words);
  useEffect(() => setWords(filter.words), [filter.words]);
  const hop = journey.hops.find(({ id }) => id === filter.hop);
  return (
    <div class="record-filters" role="group" aria-label={text.records.filters}>
      <div class="chips">
        {levels.map((level) => (
          <button key={level} type="button" class="chip" aria-pressed={filter.level === level} onClick={() => onChange({ level })}>{text.records.levels[level === '' ? 'all' : level]}</button>
        ))}
        {filter.hop !== '' && (
          <button type="button" class="chip" aria-pressed="true" onClick={() => onChange({ hop: '' })}>
            <bdi>{text.records.ofHop(printable((hop?.name ?? filter.hop).slice(0, 60)))}</bdi><Icon name="close" />
          </button>
        )}
        <form
          class="chip-find"
          onSubmit={(event) => {
            event.preventDefault();
            onChange({ words });
          }}
        >
          <Icon name="search" />
          <input
            type="search"
            aria-label={text.records.find}
            placeholder={text.records.findPlaceholder}
            value={words}
            spellcheck={false}
            autocomplete="off"
            aria-invalid={failure !== null}
            aria-describedby={failure === null ? undefined : 'words-fault'}
            onInput={(event) => {
              setWords(event.currentTarget.value);
              if (event.currentTarget.value === '') onChange({ words: '' });
            }}
          />
        </form>
      </div>
      {journey.stations.length > 1 && (
        <div class="chips chips-services">
          <button type="button" class="chip" aria-pressed={filter.service === ''} onClick={() => onChange({ service: '' })}>{text.records.allServices}</button>
          {journey.stations.slice(0, CHIPS).map(({ service, records }) => (
            <button key={service} type="button" class="chip" aria-pressed={filter.service === service} onClick={() => onChange({ service: filter.service === service ? '' : service })}>
              <ServiceName name={service.slice(0, 80)} /><span class="chip-count">{grouped(records)}</span>
            </button>
          ))}
        </div>
      )}
      <p id="words-fault" class="chip-fault" role="alert">{failure === null ? '' : printable(failure.detail)}</p>
    </div>
  );
}
