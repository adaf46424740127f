import { useState } from 'preact/hooks';
import type { Histogram } from '../../api/schema';
import { conditionOf, withCondition } from '../../lib/query/condition';
import { rangeOf, withRange } from '../../lib/query/range';
import { recordKey } from '../../lib/record';
import '../../styles/search.css';
import { QueryBox } from '../query/query-box';
import { useQueryFields } from '../query/query-fields';
import type { PageProps } from '../shell/lazy';
import { useAnswer, useKeys, useShell, useText } from '../shell/shell';
import { useTitle } from '../shell/title';
import { Facets } from './facets';
import { HistogramChart } from './histogram-chart';
import { JourneyList } from './journey-list';
import { RecordList } from './record-list';
import { SavedMenu } from './saved-menu';

const QUERY = 'query';
const ranges = ['15m', '1h', '6h', '24h', '7d', ''] as const;
const lists = ['journeys', 'records'] as const;

/** What an address asks for that says nothing itself. */
const usual = { q: 'since:1h', facets: window.matchMedia('(min-width: 1001px)').matches ? 'service.name,log.level' : '' };

export function SearchPage({ params }: PageProps) {
  const { address, session } = useShell();
  const text = useText().search;
  useTitle(text.title);
  const q = params['q'] ?? usual.q;
  const as = params['as'] === 'records' ? 'records' : 'journeys';
  const [asked, setAsked] = useState(0);
  const query = useQueryFields();
  const ask = (next: string): void => {
    if (next === q) setAsked(asked + 1);
    else address.go('search', { ...params, q: next === '' ? ' ' : next, record: undefined });
  };
  useKeys([
    { keys: 'q', says: text.keys.query, run: () => document.getElementById(QUERY)?.focus() },
    { keys: 'm', says: text.keys.mode, run: () => address.set({ as: as === 'records' ? 'journeys' : 'records', record: undefined }) },
  ], [as, text]);

  const key = `${asked} ${q}`;
  const { loading: chart } = useAnswer<Histogram>(key, (signal) => session.client.get('/records/histogram', { q }, signal), { keep: true });
  const fault = chart.phase === 'failed' && chart.failure.kind === 'invalid' ? chart.failure : null;
  const facets = (params['facets'] ?? usual.facets).split(',').filter(Boolean);
  return (
    <>
      <h1 class="unseen">{text.title}</h1>
      <QueryBox id={QUERY} value={q.trim()} fields={query.fields} countValues={query.countValues} fault={fault} placeholder={text.placeholder} onSubmit={ask} />
      <div class="search-bar">
        <span class="tabs" role="group" aria-label={text.as}>
          {lists.map((one) => (
            <button key={one} type="button" aria-pressed={as === one} onClick={() => address.set({ as: one, record: undefined })}>{text.lists[one]}</button>
          ))}
        </span>
        <RangeSelect q={q} onAsk={ask} />
        <button type="button" class="quiet" onClick={() => setAsked(asked + 1)}>{text.refresh}</button>
        <span class="spring" />
        <SavedMenu q={q} as={as} onOpen={(saved, savedAs) => address.go('search', { q: saved, as: savedAs })} />
      </div>
      {chart.phase === 'shown' && <HistogramChart histogram={chart.value} onBrush={(since, until) => ask(withRange(q, since, until))} />}
      {fault === null && (
        <div class="search-body">
          <Facets
            q={q}
            open={facets}
            onToggle={(field, open) => address.set({ facets: [...facets.filter((one) => one !== field), ...(open ? [field] : [])].join(',') || '-' })}
            onPick={(field, value, without) => {
              const condition = conditionOf(field, value);
              if (condition !== null) ask(withCondition(q, condition, without));
            }}
          />
          <div class="search-results">
            {as === 'journeys' ? (
              <JourneyList key={key} q={q} />
            ) : (
              <RecordList key={key} q={q} open={params['record'] ?? ''} onOpen={(record) => address.set({ record: record === null ? undefined : recordKey(record) })} />
            )}
          </div>
        </div>
      )}
    </>
  );
}

/** The time that a query is about, by the clock of whoever asks. */
function RangeSelect({ q, onAsk }: { readonly q: string; readonly onAsk: (q: string) => void }) {
  const text = useText().search;
  const { since, until } = rangeOf(q);
  const known = until === '' ? ranges.find((range) => range === since) : undefined;
  return (
    <label>
      {text.range}
      <select value={known ?? 'own'} onChange={(event) => onAsk(withRange(q, event.currentTarget.value, ''))}>
        {ranges.map((range) => <option key={range} value={range}>{text.ranges[range]}</option>)}
        {known === undefined && <option value="own">{text.rangeOwn}</option>}
      </select>
    </label>
  );
}
