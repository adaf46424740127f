import { useRef } from 'preact/hooks';
import type { DeliveryList } from '../../api/schema';
import { deliveryKey, lastSendings, outcomeOf, outcomes, tallyOf } from '../../lib/alerts/delivery';
import { printable } from '../../lib/printable';
import { Awaited } from '../shell/awaited';
import { useAnswer, useShell, useText } from '../shell/shell';
import { DeliveryItem } from './delivery-item';
import { ReceiverCard } from './receiver-card';
import { HURRY_MS, REFRESH_MS } from './refresh';

const MOST = 100;
const asked = outcomes.filter((outcome) => outcome !== 'retried'); // that is of tries only

/** Receivers, and what each was told. */
export function DeliveriesView({ receivers, receiver, outcome, open, mayNot }: {
  readonly receivers: readonly string[];
  /** The only one to be shown; empty: all. */
  readonly receiver: string;
  readonly outcome: string;
  /** The delivery that is looked at. */
  readonly open: string;
  readonly mayNot: string;
}) {
  const { address, session } = useShell();
  const text = useText().alerts;
  const waiting = useRef(0);
  const schedule = { again: () => (waiting.current > 0 ? HURRY_MS : REFRESH_MS), keep: true };
  const all = useAnswer<DeliveryList>('all', (signal) => session.client.get('/alerts/deliveries', { limit: MOST }, signal), schedule);
  const own = useAnswer<DeliveryList>(receiver === '' ? null : receiver, (signal) => session.client.get('/alerts/deliveries', { limit: MOST, receiver }, signal), schedule);
  const shown = receiver === '' ? all : own;
  const again = (): void => {
    all.again();
    if (receiver !== '') own.again();
  };
  const onWait = (waits: boolean): void => {
    waiting.current += waits ? 1 : -1;
    if (waits) all.again();
  };
  const toggle = (key: string): void => address.set({ delivery: key === open ? undefined : key });
  return (
    <>
      <Awaited loading={all.loading} onAgain={all.again}>
        {({ deliveries }) => {
          const tallies = tallyOf(receivers, deliveries);
          return (
            <section aria-labelledby="receivers-title">
              <h2 id="receivers-title" class="part-title">{text.deliveries.receivers}</h2>
              {receivers.length === 0 && <p class="nobody">{text.rules.receiversNone}</p>}
              <ul class="receivers">
                {tallies.map((tally) => <ReceiverCard key={tally.receiver} tally={tally} deliveries={deliveries} listed={receivers.includes(tally.receiver)} mayNot={mayNot} onWait={onWait} />)}
              </ul>
            </section>
          );
        }}
      </Awaited>
      <section aria-labelledby="deliveries-title">
        <h2 id="deliveries-title" class="part-title">{text.tabs.deliveries}</h2>
        <div class="alert-bar">
          <p class="aside">{text.deliveries.about}</p>
          <label>{text.deliveries.receiver} <select value={receiver} onChange={(event) => address.set({ receiver: event.currentTarget.value })}>
            <option value="">{text.deliveries.all}</option>
            {[...new Set([...receivers, ...(receiver === '' ? [] : [receiver])])].map((name) => <option key={name} value={name}>{printable(name)}</option>)}
          </select></label>
          <label>{text.deliveries.outcome} <select value={outcome} onChange={(event) => address.set({ outcome: event.currentTarget.value })}>
            <option value="">{text.deliveries.all}</option>
            {asked.map((name) => <option key={name} value={name}>{text.deliveries.outcomes[name]}</option>)}
          </select></label>
        </div>
        <Awaited loading={shown.loading} onAgain={shown.again}>
          {({ deliveries, more }) => {
            const list = deliveries.filter((one) => outcome === '' || outcomeOf(one.outcome) === outcome);
            if (list.length === 0) return <p class="nobody">{deliveries.length === 0 && receiver === '' ? text.deliveries.none : text.deliveries.noneFiltered}</p>;
            const last = lastSendings(deliveries);
            return (
              <>
                <ol class="deliveries">
                  {list.map((one) => <DeliveryItem key={deliveryKey(one)} delivery={one} last={last.has(deliveryKey(one))} open={deliveryKey(one) === open} mayNot={mayNot} onToggle={() => toggle(deliveryKey(one))} onChanged={again} />)}
                </ol>
                {more > 0 && <p class="aside">{text.more(more)}</p>}
              </>
            );
          }}
        </Awaited>
      </section>
    </>
  );
}
