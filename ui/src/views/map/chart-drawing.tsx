import { useMemo, useRef } from 'preact/hooks';
import { hueOf } from '../../lib/hue';
import type { Chart, ChartEdge, ChartNode } from '../../lib/map/chart';
import { layChart, pathThrough } from '../../lib/map/layout';
import type { Box, Way } from '../../lib/map/layout';
import { neighbour } from '../../lib/map/walk';
import type { Direction } from '../../lib/map/walk';
import { useText } from '../shell/shell';
import { edgeFacts, nameOf, nodeFacts, percentileWords, rateWords } from './words';

/** Characters of a name that are drawn. */
const LONGEST = 26;
const NARROWEST = 150;
/** Smaller than this part of its size, a drawing cannot be read: then it is scrolled. */
const SMALLEST = 0.85;

/** The chart as boxes and lines. One stop for the tab key; arrows go from box to box. */
export function ChartDrawing({ chart, selected, onSelect }: { readonly chart: Chart; readonly selected: string; readonly onSelect: (id: string) => void }) {
  const text = useText().map;
  const svg = useRef<SVGSVGElement>(null);
  // Boxes stay where they are while only figures change.
  const shape = JSON.stringify([chart.nodes.map((node) => [node.id, node.count]), chart.edges.map((edge) => edge.id)]);
  const layout = useMemo(() => {
    const names = new Map(chart.nodes.map((node) => [node.id, shortName(node)]));
    return layChart(chart, (id) => Math.max(NARROWEST, 40 + 8 * (names.get(id)?.length ?? 0)));
  }, [shape]);
  function shortName(node: ChartNode): string {
    const name = nameOf(node, text);
    return name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name;
  }
  const most = Math.max(1, ...chart.edges.map((edge) => edge.legs));
  const stop = layout.nodes.has(selected) ? selected : (chart.nodes[0]?.id ?? '');
  const walk = (event: KeyboardEvent, id: string): void => {
    if (event.key === 'Enter' || event.key === ' ') onSelect(id);
    else if (event.key.startsWith('Arrow')) {
      const next = neighbour(layout, id, event.key as Direction);
      svg.current?.querySelector<SVGElement>(`[data-node="${CSS.escape(next)}"]`)?.focus();
    } else return;
    event.preventDefault();
  };
  const names = new Map(chart.nodes.map((node) => [node.id, nameOf(node, text)]));
  return (
    <div class="map-scroller">
      <svg ref={svg} class="map-drawing" viewBox={`0 0 ${layout.width} ${layout.height}`} width={layout.width} height={layout.height} style={{ minWidth: `${layout.width * SMALLEST}px` }} role="group" aria-label={text.drawing}>
        <defs>
          <marker id="map-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" orient="auto-start-reverse"><path d="M0 0l8 4-8 4z" /></marker>
        </defs>
        {chart.edges.map((edge) => {
          const way = layout.edges.get(edge.id);
          return way === undefined ? null : (
            <Edge
              key={edge.id}
              edge={edge}
              way={way}
              width={1 + 3 * Math.sqrt(edge.legs / most)}
              selected={edge.id === selected}
              near={edge.from === selected || edge.to === selected}
              rate={rateWords(chart, edge.legs, text)}
              title={`${text.edge(names.get(edge.from) ?? '', names.get(edge.to) ?? '')}: ${edgeFacts(chart, edge, text)}`}
              onSelect={onSelect}
            />
          );
        })}
        {chart.nodes.map((node) => {
          const box = layout.nodes.get(node.id);
          return box === undefined ? null : (
            <Node
              key={node.id}
              node={node}
              box={box}
              name={shortName(node)}
              label={text.node(text.kinds[node.kind], names.get(node.id) ?? '', nodeFacts(node, text))}
              facts={nodeFacts(node, text)}
              stop={node.id === stop}
              selected={node.id === selected}
              onSelect={onSelect}
              onKey={walk}
            />
          );
        })}
      </svg>
    </div>
  );
}

function Node({ node, box, name, label, facts, stop, selected, onSelect, onKey }: {
  readonly node: ChartNode;
  readonly box: Box;
  readonly name: string;
  readonly label: string;
  readonly facts: string;
  readonly stop: boolean;
  readonly selected: boolean;
  readonly onSelect: (id: string) => void;
  readonly onKey: (event: KeyboardEvent, id: string) => void;
}) {
  const { width, height } = box;
  return (
    <g
      class="map-node"
      role="button"
      tabIndex={stop ? 0 : -1}
      aria-label={label}
      aria-pressed={selected}
      data-node={node.id}
      data-kind={node.kind}
      data-failed={node.failed > 0}
      transform={`translate(${box.x - width / 2} ${box.y - height / 2})`}
      style={{ '--hue': String(hueOf(node.name)) }}
      onClick={() => onSelect(node.id)}
      onKeyDown={(event) => onKey(event, node.id)}
    >
      <title>{label}</title>
      {node.count > 1 && <rect class="map-behind" x="4" y="-4" width={width} height={height} rx="6" />}
      <rect class="map-box" width={width} height={height} rx={node.kind === 'topic' ? height / 2 : 6} />
      {node.kind === 'service' ? <rect class="map-edge" width="5" height={height} rx="2" /> : <path class="map-queue" d={`M14 ${height / 2 - 7}v14M19 ${height / 2 - 7}v14M24 ${height / 2 - 7}v14`} />}
      <text class="map-name" x={node.kind === 'topic' ? 33 : 16} y={facts === '' ? height / 2 + 5 : 20}>{name}</text>
      {facts !== '' && <text class="map-facts" x="16" y="36">{facts.length > width / 6 - 4 ? `${facts.slice(0, width / 6 - 5)}…` : facts}</text>}
      {node.failed > 0 && <path class="map-failed" d={`M${width - 18} 9l8 8M${width - 10} 9l-8 8`} />}
    </g>
  );
}

// Keyboards reach ways through the figures of their ends, and through the table.
function Edge({ edge, way, width, selected, near, rate, title, onSelect }: {
  readonly edge: ChartEdge;
  readonly way: Way;
  readonly width: number;
  readonly selected: boolean;
  readonly near: boolean;
  readonly rate: string;
  readonly title: string;
  readonly onSelect: (id: string) => void;
}) {
  const text = useText().map;
  const path = pathThrough(way.points);
  const { x, y } = way.label;
  const queue = edge.took !== null && edge.from.startsWith('topic:') ? percentileWords(edge.took) : '';
  const trouble = edge.waiting > 0 ? text.waiting(edge.waiting) : edge.failed > 0 ? text.failed(edge.failed) : '';
  return (
    <g class="map-way" aria-hidden="true" data-transport={edge.transport} data-trouble={edge.waiting > 0 ? 'waiting' : edge.failed > 0 ? 'failed' : ''} data-selected={selected} data-near={near} onClick={() => onSelect(edge.id)}>
      <title>{title}</title>
      <path class="map-touch" d={path} />
      <path class="map-line" d={path} stroke-width={width} marker-end="url(#map-arrow)" />
      <text x={x} y={y - 4}>{rate}</text>
      {(trouble || queue) !== '' && <text class={trouble === '' ? 'map-took' : 'map-trouble'} x={x} y={y + 12}>{trouble || queue}</text>}
    </g>
  );
}
