import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Histogram } from '../../api/schema';
import { grouped } from '../../lib/number';
import { fill } from '../../lib/query/buckets';
import { clockTime, nanosOf, parseTime, shortDay, utcTime } from '../../lib/time';
import type { Nanos } from '../../lib/time';
import { useMoments } from '../shell/moment';
import { useShell, useText } from '../shell/shell';

const HEIGHT = 120;

/** Records by time; a stretch that is dragged over is what `onBrush` gets, as RFC 3339. */
export function HistogramChart({ histogram, onBrush }: { readonly histogram: Histogram; readonly onBrush: (since: string, until: string) => void }) {
  const { preferences } = useShell();
  const text = useText().search;
  const moments = useMoments();
  const holder = useRef<HTMLDivElement>(null);
  const brushed = useRef(onBrush);
  brushed.current = onBrush;
  const theme = preferences.theme.value;
  const utc = preferences.times.value === 'utc';
  const { starts, counts } = fill(histogram);
  const sum = counts.reduce((all, count) => all + count, 0);
  const ends = [histogram.from, histogram.until].map((end) => {
    const at = parseTime(end);
    return at === null ? end : moments(at, true);
  });

  const zone = utc ? 'utc' : 'local';
  const language = preferences.language.value;
  const tickName = (at: Nanos, ticks: readonly number[]): string => {
    const apart = (ticks[1] ?? Infinity) - (ticks[0] ?? 0);
    if (apart >= 86_400) return shortDay(at, nanosOf(Date.now()), zone, language);
    return clockTime(at, zone).slice(0, apart >= 60 ? 5 : apart >= 1 ? 8 : 12);
  };

  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const colors = getComputedStyle(element);
    const [bars, ink, rule] = [colors.color, colors.getPropertyValue('caret-color'), colors.getPropertyValue('border-bottom-color')];
    const width = histogram.step / 1e9;
    const plot = new uPlot({
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      ...(utc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      scales: { x: { range: [starts[0] ?? 0, (starts.at(-1) ?? 0) + width] }, y: { range: (_, __, most) => [0, Math.max(1, most) * 1.05] } },
      axes: [
        { stroke: ink, grid: { show: false }, ticks: { stroke: rule, width: 1, size: 4 }, size: 28, font: '12px sans-serif', values: (_, ticks) => ticks.map((tick) => tickName(nanosOf(tick * 1000), ticks)) },
        { stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { show: false }, size: 48, font: '12px sans-serif', values: (_, ticks) => ticks.map((n) => (Number.isInteger(n) ? grouped(n) : '')) },
      ],
      series: [
        {},
        { fill: bars, width: 0, points: { show: false }, ...(uPlot.paths.bars === undefined ? {} : { paths: uPlot.paths.bars({ align: 1, size: [0.9, 60] }) }) },
      ],
      hooks: {
        setSelect: [
          (chart) => {
            const { left, width: dragged } = chart.select;
            if (dragged < 4) return;
            const [since, until] = [left, left + dragged].map((x) => utcTime(nanosOf(chart.posToVal(x, 'x') * 1000)));
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            if (since !== undefined && until !== undefined) brushed.current(since, until);
          },
        ],
      },
    }, [starts, counts], element);
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [histogram, theme, utc, language]);

  return (
    <figure class="chart">
      <div ref={holder} class="chart-plot" role="img" aria-label={`${text.chart}: ${sum === 0 ? text.chartNone : text.chartSum(sum, ends[0] ?? '', ends[1] ?? '')}`} />
      <figcaption>{sum === 0 ? text.chartNone : <>{text.chartSum(sum, ends[0] ?? '', ends[1] ?? '')} <span class="aside chart-hint">{text.chartHint}</span></>}</figcaption>
    </figure>
  );
}
