export const outcomes = ['pending', 'delivered', 'failed', 'retried'] as const;
export type Outcome = (typeof outcomes)[number];

/** What the server may say in a later version is pending, as far as is known here. */
export function outcomeOf(text: string): Outcome {
  return outcomes.find((outcome) => outcome === text) ?? 'pending';
}

/** What of a delivery is counted. */
export interface DeliveryFacts {
  readonly id: string;
  readonly receiver: string;
  readonly outcome: string;
  readonly queued: string;
  readonly test?: boolean;
}

/** A notification goes to several receivers under one ID, and to each once more where it is sent again. */
export function deliveryKey({ receiver, id, queued }: DeliveryFacts): string {
  return `${receiver} ${id} ${queued}`;
}

/** The keys of those that have not been sent again since. */
export function lastSendings(latestFirst: readonly DeliveryFacts[]): ReadonlySet<string> {
  const last = new Map<string, string>();
  for (const delivery of latestFirst) {
    const sent = `${delivery.receiver} ${delivery.id}`;
    if (!last.has(sent)) last.set(sent, deliveryKey(delivery));
  }
  return new Set(last.values());
}

/** How a receiver has done, by what is kept. */
export interface Tally<D> {
  readonly receiver: string;
  readonly delivered: number;
  readonly failed: number;
  readonly pending: number;
  /** Null: it was never told anything. */
  readonly last: D | null;
}

/** Receivers as the file has them, then those it no longer has. Deliveries come with the latest first. */
export function tallyOf<D extends DeliveryFacts>(receivers: readonly string[], deliveries: readonly D[]): Tally<D>[] {
  const names = new Set([...receivers, ...deliveries.map(({ receiver }) => receiver)]);
  return [...names].map((receiver) => {
    const own = deliveries.filter((delivery) => delivery.receiver === receiver);
    const count = (outcome: Outcome): number => own.filter((delivery) => outcomeOf(delivery.outcome) === outcome).length;
    return { receiver, delivered: count('delivered'), failed: count('failed'), pending: count('pending'), last: own[0] ?? null };
  });
}

/** The test of a receiver that was not there when it was asked for; null while there is none. */
export function newTest<D extends DeliveryFacts>(deliveries: readonly D[], receiver: string, known: ReadonlySet<string>): D | null {
  return deliveries.find((delivery) => delivery.test === true && delivery.receiver === receiver && !known.has(delivery.id)) ?? null;
}

/** A head as two: what goes before the first empty line, and what comes after. */
export function headAndBody(text: string): { readonly head: string; readonly body: string } {
  const unified = text.replaceAll('\r\n', '\n');
  const at = unified.indexOf('\n\n');
  return at < 0 ? { head: unified, body: '' } : { head: unified.slice(0, at), body: unified.slice(at + 2) };
}
