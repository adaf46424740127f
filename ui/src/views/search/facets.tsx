import type { Facets as Counted } from '../../api/schema';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { useAnswer, useShell, useText } from '../shell/shell';

const fields = ['service.name', 'log.level', 'event.outcome', 'span.name', 'error.type', 'http.response.status_code', 'waybill.kind', 'service.version', 'service.node.name'] as const;
type Field = (typeof fields)[number];

/** Which values the records have, each leading to those records only, or to all others. */
export function Facets({ q, open, onToggle, onPick }: {
  readonly q: string;
  /** The fields that are unfolded. */
  readonly open: readonly string[];
  readonly onToggle: (field: string, open: boolean) => void;
  readonly onPick: (field: string, value: string, without: boolean) => void;
}) {
  const text = useText().search;
  return (
    <aside class="facets" aria-label={text.facets}>
      <h2>{text.facets}</h2>
      {fields.map((field) => (
        <details key={field} open={open.includes(field)} onToggle={(event) => onToggle(field, event.currentTarget.open)}>
          <summary>{text.fields[field]}</summary>
          {open.includes(field) && <Values q={q} field={field} onPick={onPick} />}
        </details>
      ))}
    </aside>
  );
}

function Values({ q, field, onPick }: { readonly q: string; readonly field: Field; readonly onPick: (field: string, value: string, without: boolean) => void }) {
  const { session } = useShell();
  const text = useText().search;
  const { loading } = useAnswer<Counted>(`${field} ${q}`, (signal) => session.client.get('/records/facets', { q, field, limit: 12 }, signal), { keep: true });
  if (loading.phase !== 'shown') return <p class="aside">{loading.phase === 'failed' ? printable(loading.failure.detail) : ''}</p>;
  const { values, others } = loading.value;
  const most = values[0]?.count ?? 1;
  return (
    <>
      {values.length === 0 && <p class="aside">{text.noValues}</p>}
      <ul>
        {values.map(({ value, count }) => (
          <li key={value} class="facet">
            <span class="facet-bar" style={{ width: `${(100 * count) / most}%` }} aria-hidden="true" />
            <button type="button" class="facet-only" title={text.only(printable(value))} onClick={() => onPick(field, value, false)}>
              <bdi>{printable(value)}</bdi><span>{grouped(count)}</span>
            </button>
            <button type="button" class="facet-without" title={text.without(printable(value))} aria-label={text.without(printable(value))} onClick={() => onPick(field, value, true)}>−</button>
          </li>
        ))}
      </ul>
      {others > 0 && <p class="aside">{text.others(others)}</p>}
    </>
  );
}
