import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { formatDuration } from '../../lib/duration';
import type { Gap, Hop, Journey, Saga, Skew, Step } from '../../lib/journey';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { formatRanges } from '../../lib/ranges';
import { earliestOf } from '../../lib/earliest';
import { LongText } from '../record/long-text';
import { Icon } from '../shell/icons';
import type { IconName } from '../shell/icons';
import { Moment } from '../shell/moment';
import { ServiceName } from '../shell/service-name';
import { useText } from '../shell/shell';
import { VerdictBadge } from '../shell/verdict-badge';

const MOST = 50;

/** What goes along with the journey: sagas, clocks that are off, records proved missing, warnings. */
export function Papers({ journey, onHop }: { readonly journey: Journey; readonly onHop: (hop: string) => void }) {
  const { papers: text } = useText().journey;
  const missing = journey.gaps.reduce((sum, gap) => sum + gap.numbers.length, 0);
  const off = new Set(journey.shifts.map(({ node }) => node)).size;
  if (journey.sagas.length + missing + journey.shifts.length + journey.warnings.length === 0) return null;
  return (
    <div class="papers">
      {journey.sagas.length > 0 && (
        <Paper icon="back" title={text.saga} aside={text.undone(...stepsOf(journey.sagas))}>
          {() => (
            <>
              {journey.sagas.slice(0, MOST).map((saga) => <Ledger key={saga.id} saga={saga} />)}
              <More n={journey.sagas.length - MOST} />
            </>
          )}
        </Paper>
      )}
      {missing > 0 && (
        <Paper icon="alert" title={text.gaps} aside={text.gapsCount(missing)}>
          {() => (
            <>
              <p class="aside">{text.gapsWhy}</p>
              <Gaps gaps={journey.gaps} hops={journey.hops} onHop={onHop} />
            </>
          )}
        </Paper>
      )}
      {journey.shifts.length > 0 && (
        <Paper icon="info" title={text.clocks} aside={text.clocksCount(off)}>
          {() => (
            <>
              <p class="aside">{text.clocksWhy}</p>
              <Shifts journey={journey} />
              <Skews skews={journey.skews.filter(({ min, max }) => (min ?? 0) > 0 || (max ?? 0) < 0)} hops={journey.hops} />
            </>
          )}
        </Paper>
      )}
      {journey.warnings.length > 0 && (
        <Paper icon="alert" title={text.warnings} aside={grouped(journey.warnings.length)}>
          {() => (
            <>
              <ul>{journey.warnings.slice(0, MOST).map((warning, i) => <li key={i}><LongText value={warning} most={600} /></li>)}</ul>
              <More n={journey.warnings.length - MOST} />
            </>
          )}
        </Paper>
      )}
    </div>
  );
}

function Paper({ icon, title, aside, children }: {
  readonly icon: IconName;
  readonly title: string;
  readonly aside: string;
  /** Made when it is opened. */
  readonly children: () => ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  return (
    <details class="paper" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary><Icon name={icon} /><h2>{title}</h2><span class="aside">{aside}</span></summary>
      {open && <div class="paper-body">{children()}</div>}
    </details>
  );
}

function More({ n }: { readonly n: number }) {
  const { papers: text } = useText().journey;
  return n > 0 ? <p class="aside">{text.more(n)}</p> : null;
}

function Instance({ name }: { readonly name: string }) {
  return <code><bdi>{printable(name.slice(0, 120))}</bdi></code>;
}

function Ledger({ saga }: { readonly saga: Saga }) {
  const { papers: text } = useText().journey;
  return (
    <section class="ledger">
      <h3><bdi>{text.sagaOf(printable(saga.id.slice(0, 128)))}</bdi> {saga.verdict !== null && <VerdictBadge verdict={saga.verdict} />} <span class="aside">{text.undone(...stepsOf([saga]))}</span></h3>
      {saga.steps.length === 0 ? <p class="aside">{text.sagaNone}</p> : (
        <div class="scrolls" tabIndex={0}>
          <table>
            <thead><tr><th scope="col">{text.step}</th><th scope="col">{text.by}</th><th scope="col">{text.forward}</th><th scope="col">{text.compensated}</th></tr></thead>
            <tbody>{saga.steps.slice(0, MOST).map((step) => <StepRow key={`${step.service} ${step.name}`} step={step} />)}</tbody>
          </table>
        </div>
      )}
      <More n={saga.steps.length - MOST} />
    </section>
  );
}

/** How many steps were done, and how many of those undone. */
function stepsOf(sagas: readonly Saga[]): [done: number, undone: number] {
  const steps = sagas.flatMap((saga) => saga.steps);
  return [steps.filter(({ forward }) => forward !== null).length, steps.filter(({ compensated }) => compensated !== null).length];
}

function StepRow({ step }: { readonly step: Step }) {
  const { papers: text } = useText().journey;
  return (
    <tr data-undone={step.compensated !== null}>
      <th scope="row"><bdi>{printable(step.name.slice(0, 200))}</bdi></th>
      <td><ServiceName name={step.service.slice(0, 120)} /></td>
      <td>{step.forward === null ? <span class="aside">{text.notDone}</span> : <><Icon name="check" /> <Moment at={step.forward} /></>}</td>
      <td>
        {step.compensated === null ? <span class="aside">{step.forward === null ? '' : text.standing}</span> : (
          <><Icon name="back" /> <Moment at={step.compensated} />{step.by !== '' && step.by !== step.service && <> <ServiceName name={step.by.slice(0, 120)} /></>}</>
        )}
      </td>
    </tr>
  );
}

function Gaps({ gaps, hops, onHop }: { readonly gaps: readonly Gap[]; readonly hops: readonly Hop[]; readonly onHop: (hop: string) => void }) {
  const { papers: text } = useText().journey;
  const names = new Map(hops.map((hop) => [hop.id, hop.name]));
  return (
    <div class="scrolls" tabIndex={0}>
      <table>
        <thead><tr><th scope="col">{text.service}</th><th scope="col">{text.instance}</th><th scope="col">{text.numbers}</th><th scope="col">{text.hop}</th></tr></thead>
        <tbody>
          {gaps.slice(0, MOST).map((gap, i) => (
            <tr key={i}>
              <td><ServiceName name={gap.service.slice(0, 120)} /></td>
              <td><Instance name={gap.node} /></td>
              <td>{formatRanges(gap.numbers).slice(0, 200)}</td>
              <td>{names.has(gap.hop) ? <button type="button" class="show-all" onClick={() => onHop(gap.hop)}><bdi>{printable((names.get(gap.hop) ?? '').slice(0, 120)) || gap.hop}</bdi></button> : text.noHop}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <More n={gaps.length - MOST} />
    </div>
  );
}

function Shifts({ journey }: { readonly journey: Journey }) {
  const { papers: text } = useText().journey;
  const earliest = earliestOf(journey.hops);
  return (
    <div class="scrolls" tabIndex={0}>
      <table>
        <thead><tr><th scope="col">{text.service}</th><th scope="col">{text.instance}</th><th scope="col">{text.moved}</th><th scope="col">{text.raw}</th><th scope="col">{text.adjusted}</th></tr></thead>
        <tbody>
          {journey.shifts.slice(0, MOST).map(({ service, node, by }) => {
            const raw = earliest.get(node) ?? null;
            return (
              <tr key={node}>
                <td><ServiceName name={service.slice(0, 120)} /></td>
                <td><Instance name={node} /></td>
                <td class="figure">{by > 0 ? '+' : ''}{formatDuration(by)}</td>
                <td>{raw === null ? '' : <Moment at={raw} />}</td>
                <td>{raw === null ? '' : <Moment at={raw + BigInt(Math.round(by))} />}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <More n={journey.shifts.length - MOST} />
    </div>
  );
}

function Skews({ skews, hops }: { readonly skews: readonly Skew[]; readonly hops: readonly Hop[] }) {
  const { papers: text } = useText().journey;
  const services = new Map(hops.map((hop) => [hop.node, hop.service]));
  if (skews.length === 0) return null;
  const name = (node: string) => <bdi>{printable((services.get(node) ?? '').slice(0, 80))} <code>{printable(node.slice(0, 120))}</code></bdi>;
  return (
    <div class="scrolls" tabIndex={0}>
      <table>
        <thead><tr><th scope="col">{text.between}</th><th scope="col">{text.difference}</th></tr></thead>
        <tbody>
          {skews.slice(0, MOST).map(({ from, to, min, max }) => (
            <tr key={`${from} ${to}`}>
              <td>{name(from)}<br />{name(to)}</td>
              <td class="figure">{min !== null && max !== null ? text.fromTo(formatDuration(min), formatDuration(max)) : min !== null ? text.atLeast(formatDuration(min)) : text.atMost(formatDuration(max ?? 0))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <More n={skews.length - MOST} />
    </div>
  );
}
