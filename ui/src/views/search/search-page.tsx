import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Facets as Counted, Histogram, Journeys, Records, Summary } from '../../api/schema';
import { decodeRecord } from '../../api/decode';
import { rangeOf, withRange } from '../../lib/query/range';
import { withCondition } from '../../lib/query/suggest';
import { createPager } from '../../state/pager';
import '../../styles/search.css';
import { QueryBox } from '../query/query-box';
import { useQueryFields } from '../query/query-fields';
import { RecordPanel } from '../record/record-panel';
import { RecordRow } from '../record/record-row';
import { Icon } from '../shell/icons';
import type { PageProps } from '../shell/lazy';
import { useAnswer, useKeys, useShell, useText } from '../shell/shell';
import { useTitle } from '../shell/title';
import { Facets } from './facets';
import { HistogramChart } from './histogram-chart';
import { JourneyHead, JourneyRow } from './journey-row';
import { Results } from './results';
import { SavedMenu } from './saved-menu';

const MOST = 10_000;
const QUERY = 'query';
const ranges = ['15m', '1h', '6h', '24h', '7d', ''] as const;

/** Without a time of its own, a query is about the last hour. */
const USUAL = '1h';

export function SearchPage({ params }: PageProps) {
  const { address, session } = useShell();
  const { search: text, shell } = useText();
  useTitle(text.title);
  const q = params['q'] ?? `since:${USUAL}`;
  const as = params['as'] === 'records' ? 'records' : 'journeys';
  const [asked, setAsked] = useState(0);
  const query = useQueryFields();
  const ask = (next: string): void => {
    if (next === q) setAsked(asked + 1);
    else address.go('search', { ...params, q: next, record: undefined });
  };
  useKeys([
    { keys: 'q', says: text.keys.query, run: () => document.getElementById(QUERY)?.focus() },
    { keys: 'm', says: text.keys.mode, run: () => address.set({ as: as === 'records' ? 'journeys' : 'records' }) },
  ], [as, text]);

  const key = `${asked} ${q}`;
  const { loading: chart } = useAnswer<Histogram>(key, (signal) => session.client.get('/records/histogram', { q }, signal), { keep: true });
  const fault = chart.phase === 'failed' && chart.failure.kind === 'invalid' ? chart.failure : null;
  const facets = (params['facets'] ?? 'service.name,log.level').split(',').filter(Boolean);
  const range = rangeOf(q);

  return (
    <>
      <h1 class="unseen">{text.title}</h1>
      <QueryBox id={QUERY} value={q} fields={query.fields} countValues={query.countValues} fault={fault} placeholder={text.placeholder} onSubmit={ask} />
      <div class="search-bar">
        <span class="tabs" role="group" aria-label={text.as}>
          {(['journeys', 'records'] as const).map((one) => (
            <button key={one} type="button" aria-pressed={as === one} onClick={() => address.set({ as: one, record: undefined })}>
              {one === 'journeys' ? text.asJourneys : text.asRecords}
            </button>
          ))}
        </span>
        <label>
          {text.range}
          <select value={range.until === '' && ranges.includes(range.since as (typeof ranges)[number]) ? range.since : 'own'} onChange={(event) => ask(withRange(q, event.currentTarget.value, ''))}>
            {ranges.map((since) => <option key={since} value={since}>{text.ranges[since]}</option>)}
            <option value="own" disabled>{text.rangeOwn}</option>
          </select>
        </label>
        <button type="button" class="quiet" onClick={() => setAsked(asked + 1)}>{text.refresh}</button>
        <span class="spring" />
        <SavedMenu q={q} as={as} onOpen={(saved, savedAs) => address.go('search', { q: saved, as: savedAs })} />
      </div>
      {chart.phase === 'shown' && <HistogramChart histogram={chart.value} onBrush={(since, until) => ask(withRange(q, since, until))} />}
      {fault === null && (
        <div class="search-body" data-panel={as === 'records' && params['record'] !== undefined}>
          <Facets
            q={q}
            open={facets}
            onToggle={(field, open) => address.set({ facets: [...facets.filter((one) => one !== field), ...(open ? [field] : [])].join(',') })}
            onPick={(field, value, without) => ask(withCondition(q, query.nameOf(field), value, without))}
          />
          {as === 'journeys' ? <JourneyList key={key} q={q} /> : <RecordList key={key} q={q} />}
        </div>
      )}
    </>
  );
}
