import { formatDuration } from '../../lib/duration';
import type { Chart, ChartEdge, ChartNode, Percentiles } from '../../lib/map/chart';
import { quoted } from '../../lib/query/condition';
import { withRange } from '../../lib/query/range';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { useText } from '../shell/shell';
import { edgeFacts, nameOf, nodeFacts, rateWords } from './words';

/** What is known of one node or way, and where to go on. `since` and `until` go along to the search. */
export function Figures({ chart, selected, since, until, onSelect, onClose }: {
  readonly chart: Chart;
  readonly selected: string;
  readonly since: string;
  readonly until: string;
  readonly onSelect: (id: string) => void;
  readonly onClose: () => void;
}) {
  const text = useText().map;
  const node = chart.nodes.find(({ id }) => id === selected);
  const edge = chart.edges.find(({ id }) => id === selected);
  if (node === undefined && edge === undefined) return null;
  const find = (query: string): string => withRange(query, since, until);
  const nodeBy = (id: string): ChartNode | undefined => chart.nodes.find((one) => one.id === id);
  const title = node === undefined ? text.edge(nameOf(nodeBy(edge?.from ?? ''), text), nameOf(nodeBy(edge?.to ?? ''), text)) : nameOf(node, text);
  return (
    <aside class="map-figures sheet" aria-labelledby="figures-title">
      <header>
        <div>
          <p class="aside">{node === undefined ? text.transports[edge?.transport ?? 'local'] : text.kinds[node.kind]}</p>
          <h2 id="figures-title"><bdi>{title}</bdi></h2>
        </div>
        <button type="button" class="icon-button" aria-label={text.panel.close} onClick={onClose}><Icon name="close" /></button>
      </header>
      {node !== undefined && <NodeFigures chart={chart} node={node} find={find} onSelect={onSelect} />}
      {edge !== undefined && <EdgeFigures chart={chart} edge={edge} from={nodeBy(edge.from)} to={nodeBy(edge.to)} find={find} />}
    </aside>
  );
}

function NodeFigures({ chart, node, find, onSelect }: { readonly chart: Chart; readonly node: ChartNode; readonly find: (query: string) => string; readonly onSelect: (id: string) => void }) {
  const text = useText().map;
  const other = (edge: ChartEdge): string => (edge.from === node.id ? edge.to : edge.from);
  const ways = { into: chart.edges.filter((edge) => edge.to === node.id && edge.from !== node.id), out: chart.edges.filter((edge) => edge.from === node.id && edge.to !== node.id) };
  const inside = chart.edges.filter((edge) => edge.from === node.id && edge.to === node.id).reduce((sum, edge) => sum + edge.legs, 0);
  const facts = nodeFacts(node, text);
  return (
    <>
      {facts !== '' && <p>{facts}</p>}
      {node.took !== null && <Took of={node.took} title={text.panel.took} />}
      {inside > 0 && <p>{text.panel.inside}: {text.legs(inside)}</p>}
      {(['into', 'out'] as const).map((side) => ways[side].length === 0 ? null : (
        <section key={side}>
          <h3>{text.panel[side]}</h3>
          <ul>
            {ways[side].map((edge) => (
              <li key={edge.id}>
                <button type="button" class="link" onClick={() => onSelect(edge.id)}><bdi>{nameOf(chart.nodes.find(({ id }) => id === other(edge)), text)}</bdi></button>
                <span>{edgeFacts(chart, edge, text)}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {node.name !== '' && (
        <p class="map-links">
          {node.kind === 'service' ? (
            <>
              <Link to="search" params={{ q: find(`visited:${quoted(node.name)}`) }}>{text.panel.searchJourneys}</Link>
              <Link to="search" params={{ q: find(`service:${quoted(node.name)} level>=error`) }}>{text.panel.searchFailed}</Link>
            </>
          ) : <Link to="search" params={{ q: find(`topic:${quoted(node.name)}`), as: 'records' }}>{text.panel.searchTopic}</Link>}
        </p>
      )}
    </>
  );
}

function EdgeFigures({ chart, edge, from, to, find }: { readonly chart: Chart; readonly edge: ChartEdge; readonly from: ChartNode | undefined; readonly to: ChartNode | undefined; readonly find: (query: string) => string }) {
  const text = useText().map;
  const services = [from, to].filter((node): node is ChartNode => node?.kind === 'service' && node.name !== '');
  const topic = [from, to].find((node) => node?.kind === 'topic')?.name ?? '';
  return (
    <>
      <p>{rateWords(chart, edge.legs, text)}, {text.legs(edge.legs)}</p>
      {edge.failed > 0 && <p class="map-bad"><Icon name="cross" />{text.failed(edge.failed)}</p>}
      {edge.waiting > 0 && <p class="map-held"><Icon name="pause" />{text.waiting(edge.waiting)}</p>}
      {edge.took !== null && <Took of={edge.took} title={edge.transport === 'kafka' ? text.panel.queue : text.panel.took} />}
      <p class="map-links">
        {services.length > 0 && (
          <Link to="search" params={{ q: find(services.map((node) => `visited:${quoted(node.name)}`).join(' ')) }}>{services.length > 1 ? text.panel.searchBoth : text.panel.searchJourneys}</Link>
        )}
        {topic !== '' && <Link to="search" params={{ q: find(`topic:${quoted(topic)}`), as: 'records' }}>{text.panel.searchTopic}</Link>}
      </p>
    </>
  );
}

function Took({ of, title }: { readonly of: Percentiles; readonly title: string }) {
  const text = useText().map.panel;
  return (
    <dl class="map-took-list" aria-label={title}>
      <div><dt>{title}, {text.half}</dt><dd class="figure">{formatDuration(of.p50)}</dd></div>
      <div><dt>{title}, {text.most}</dt><dd class="figure">{formatDuration(of.p99)}</dd></div>
    </dl>
  );
}
