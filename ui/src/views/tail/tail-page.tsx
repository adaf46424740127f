import { useEffect, useMemo, useState } from 'preact/hooks';
import { levelOf, withLevel } from '../../lib/query/level';
import type { RawRecord } from '../../lib/record';
import { createTail } from '../../state/tail';
import '../../styles/search.css';
import '../../styles/tail.css';
import { QueryBox } from '../query/query-box';
import { useQueryFields } from '../query/query-fields';
import type { PageProps } from '../shell/lazy';
import { useKeys, useShell, useText } from '../shell/shell';
import { useTitle } from '../shell/title';
import { TailList } from './tail-list';
import { useStandstill } from './standstill';
import { TailStatus } from './tail-status';

const QUERY = 'query';
const levels = ['', 'info', 'warn', 'error'] as const;

/** Records as they come. Whoever scrolls up reads in peace, and is told how many have come since. */
export function TailPage({ params }: PageProps) {
  const { address, session } = useShell();
  const text = useText().tail;
  useTitle(text.title);
  const q = params['q'] ?? '';
  const query = useQueryFields();
  const tail = useMemo(() => createTail(session.client), []);
  const [opened, setOpened] = useState<RawRecord | null>(null);
  useEffect(() => {
    tail.follow(q);
    return () => tail.stop();
  }, [q, session.again.value]);
  const state = tail.state.value;
  const standstill = useStandstill(tail, state);
  const level = levelOf(q);
  const ask = (next: string): void => address.go('tail', { q: next });
  useKeys([
    { keys: 'q', says: text.keys.query, run: () => document.getElementById(QUERY)?.focus() },
    { keys: ' ', says: text.keys.pause, run: standstill.toggle },
    { keys: 'c', says: text.keys.clear, run: tail.clear },
  ], [standstill.still, text]);

  return (
    <>
      <h1 class="unseen">{text.title}</h1>
      <QueryBox
        id={QUERY}
        value={q}
        fields={query.fields}
        countValues={query.countValues}
        fault={state.failure?.kind === 'invalid' ? state.failure : null}
        placeholder={text.placeholder}
        onSubmit={ask}
      />
      <div class="search-bar">
        <TailStatus state={state} paused={standstill.still !== null} />
        <span class="spring" />
        <label>
          {text.level}
          <select value={levels.find((known) => known === level) ?? level} onChange={(event) => ask(withLevel(q, event.currentTarget.value))}>
            {levels.map((known) => <option key={known} value={known}>{text.levels[known]}</option>)}
            {levels.every((known) => known !== level) && <option value={level}>{level}</option>}
          </select>
        </label>
        <button type="button" class="quiet" onClick={tail.clear}>{text.clear}</button>
        <button type="button" class="quiet" aria-pressed={standstill.still !== null} onClick={standstill.toggle}>{standstill.still === null ? text.pause : text.resume}</button>
      </div>
      <TailList tail={tail} state={state} standstill={standstill} q={q} opened={opened} onOpen={setOpened} key={q} />
    </>
  );
}

