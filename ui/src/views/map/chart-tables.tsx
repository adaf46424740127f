import { formatDuration } from '../../lib/duration';
import type { Chart, Percentiles } from '../../lib/map/chart';
import { useText } from '../shell/shell';
import { nameOf, rateWords } from './words';

/** The chart in words and numbers. */
export function ChartTables({ chart, selected, onSelect }: { readonly chart: Chart; readonly selected: string; readonly onSelect: (id: string) => void }) {
  const text = useText().map;
  const { columns } = text;
  const names = new Map(chart.nodes.map((node) => [node.id, nameOf(node, text)]));
  const took = (value: Percentiles | null, of: 'p50' | 'p99'): string => (value === null ? text.none : formatDuration(value[of]));
  const count = (n: number): string => (n === 0 ? text.none : String(n));
  return (
    <div class="map-tables" tabIndex={0} role="region" aria-label={text.views.table}>
      <table>
        <caption>{text.tables.nodes}</caption>
        <thead><tr>{[columns.name, columns.kind, columns.hops, columns.failed, columns.open, columns.half, columns.most].map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {chart.nodes.map((node) => (
            <tr key={node.id} data-selected={node.id === selected}>
              <th scope="row" aria-label={names.get(node.id)}><button type="button" class="link" onClick={() => onSelect(node.id)}><bdi>{names.get(node.id)}</bdi></button></th>
              <td>{text.kinds[node.kind]}</td>
              <td>{count(node.hops)}</td>
              <td data-bad={node.failed > 0}>{count(node.failed)}</td>
              <td>{count(node.open)}</td>
              <td>{took(node.took, 'p50')}</td>
              <td>{took(node.took, 'p99')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <table>
        <caption>{text.tables.edges}</caption>
        <thead><tr>{[columns.from, columns.to, columns.over, columns.legs, columns.rate, columns.failed, columns.waiting, columns.half, columns.most].map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {chart.edges.map((edge) => (
            <tr key={edge.id} data-selected={edge.id === selected}>
              <th scope="row" aria-label={names.get(edge.from)}><button type="button" class="link" onClick={() => onSelect(edge.id)}><bdi>{names.get(edge.from)}</bdi></button></th>
              <td><bdi>{names.get(edge.to)}</bdi></td>
              <td>{text.transports[edge.transport]}</td>
              <td>{count(edge.legs)}</td>
              <td>{rateWords(chart, edge.legs, text)}</td>
              <td data-bad={edge.failed > 0}>{count(edge.failed)}</td>
              <td data-bad={edge.waiting > 0}>{count(edge.waiting)}</td>
              <td>{took(edge.took, 'p50')}</td>
              <td>{took(edge.took, 'p99')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
