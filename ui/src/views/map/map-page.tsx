import { useState } from 'preact/hooks';
import { fetchMap } from '../../api/map';
import type { Chart } from '../../lib/map/chart';
import { grouped } from '../../lib/map/group';
import { rangeOf, withRange } from '../../lib/query/range';
import { nanosOf } from '../../lib/time';
import '../../styles/map.css';
import '../../styles/search.css';
import { QueryBox } from '../query/query-box';
import { useQueryFields } from '../query/query-fields';
import { Awaited } from '../shell/awaited';
import type { PageProps } from '../shell/lazy';
import { Moment } from '../shell/moment';
import { useAnswer, useKeys, useShell, useText } from '../shell/shell';
import { useTitle } from '../shell/title';
import { ChartDrawing } from './chart-drawing';
import { ChartTables } from './chart-tables';
import { Figures } from './figures';
import { MapLegend } from './map-legend';
import { VerdictMix } from './verdict-mix';

const QUERY = 'map-query';
const ranges = ['15m', '1h', '6h', '24h', '7d', ''] as const;
const sizes = [200, 500, 1000] as const;
/** More boxes than these are no map any more. */
const MOST_NODES = 200;
const REFRESH_MS = 10_000;

/** What an address asks for that says nothing itself. */
const usual = { q: 'since:1h', view: window.matchMedia('(max-width: 640px)').matches ? 'table' : 'map' };

export function MapPage({ params }: PageProps) {
  const { address, session } = useShell();
  const { map: text, search } = useText();
  useTitle(text.title);
  const q = params['q'] ?? usual.q;
  const size = sizes.find((one) => String(one) === params['n']) ?? sizes[0];
  const view = params['view'] ?? usual.view;
  const selected = params['at'] ?? '';
  const [running, setRunning] = useState(true);
  const query = useQueryFields();
  const { loading, again } = useAnswer<Chart>(`${q} ${size} ${running}`, (signal) => fetchMap(session.client, q.trim(), size, signal), {
    again: () => (running ? REFRESH_MS : null),
    keep: true,
  });
  const ask = (next: string): void => address.set({ q: next === '' ? ' ' : next });
  const select = (id: string): void => address.set({ at: id });
  useKeys([
    { keys: 'q', says: text.keys.query, run: () => document.getElementById(QUERY)?.focus() },
    { keys: 'm', says: text.keys.view, run: () => address.set({ view: view === 'map' ? 'table' : 'map' }) },
    ...(selected === '' ? [] : [{ keys: 'Escape', says: text.keys.close, run: () => select('') }]),
  ], [view, selected, text]);

  const fault = loading.phase === 'failed' && loading.failure.kind === 'invalid' ? loading.failure : null;
  const { since, until } = rangeOf(q);
  return (
    <>
      <h1 class="unseen">{text.title}</h1>
      <QueryBox id={QUERY} value={q.trim()} fields={query.fields} countValues={query.countValues} fault={fault} placeholder={text.placeholder} onSubmit={ask} />
      <div class="search-bar map-bar">
        <span class="tabs" role="group" aria-label={text.as}>
          {(['map', 'table'] as const).map((one) => <button key={one} type="button" aria-pressed={view === one} onClick={() => address.set({ view: one })}>{text.views[one]}</button>)}
        </span>
        <label>
          {text.range}
          <select value={ranges.find((one) => one === since && until === '') ?? 'own'} onChange={(event) => ask(withRange(q, event.currentTarget.value, ''))}>
            {ranges.map((one) => <option key={one} value={one}>{search.ranges[one]}</option>)}
            {(until !== '' || !ranges.some((one) => one === since)) && <option value="own">{search.rangeOwn}</option>}
          </select>
        </label>
        <label>
          {text.newest}
          <select value={String(size)} onChange={(event) => address.set({ n: event.currentTarget.value })}>
            {sizes.map((one) => <option key={one} value={String(one)}>{text.newestOf(one)}</option>)}
          </select>
        </label>
        <button type="button" class="quiet" onClick={() => setRunning(!running)}>{running ? text.pause : text.resume}</button>
        <span class="spring" />
        {loading.phase === 'shown' && <span class="aside">{running ? text.updated : text.paused} <Moment at={nanosOf(loading.at)} /></span>}
      </div>
      {fault === null && (
        <Awaited loading={loading} onAgain={again}>
          {(chart) => chart.journeys === 0 ? <p class="sheet map-empty">{text.empty}</p> : (
            <MapSheet chart={grouped(chart, MOST_NODES)} q={q.trim()} view={view} selected={selected} onSelect={select} since={since} until={until} />
          )}
        </Awaited>
      )}
    </>
  );
}

function MapSheet({ chart, q, view, selected, onSelect, since, until }: {
  readonly chart: Chart;
  readonly q: string;
  readonly view: string;
  readonly selected: string;
  readonly onSelect: (id: string) => void;
  readonly since: string;
  readonly until: string;
}) {
  const text = useText().map;
  return (
    <div class="map-sheet">
      <div class="map-head">
        <VerdictMix chart={chart} q={q} />
        <p class="aside">{text.from(chart.journeys)}{chart.over && <strong> {text.over}</strong>}</p>
      </div>
      <div class="map-body">
        <div class="sheet map-chart">
          {view === 'table' ? <ChartTables chart={chart} selected={selected} onSelect={onSelect} /> : (
            <>
              <ChartDrawing chart={chart} selected={selected} onSelect={onSelect} />
              <MapLegend />
            </>
          )}
        </div>
        <Figures chart={chart} selected={selected} since={since} until={until} onSelect={onSelect} onClose={() => onSelect('')} />
      </div>
    </div>
  );
}
