// A journey as the server answers it that has everything a page may choke on: many hops over services with several instances, deep
// and wide, a three-hour hole, clocks five minutes off, causes unknown, fan-in, retries, failures, gaps, and what has not ended.

const services = ['gateway', 'identity', 'products', 'reviews', 'stock', 'cart', 'orders', 'bank', 'game', 'mailer', 'ledger', 'audit'];
const MS = 1_000_000;
const HOLE = 3 * 3600_000 * MS;
const ZERO = 1_795_439_109_000_000_000n;
const skews: Readonly<Record<string, number>> = { 'stock-2': 300_000 * MS, 'bank-1': -300_000 * MS };

export interface Worst {
  readonly hops: number;
  /** Records in the answer; the journey tells of five a hop. */
  readonly records?: number;
  readonly seed?: number;
}

interface Made {
  readonly id: string;
  readonly service: string;
  readonly node: string;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

export function worst({ hops: count, records: shown = 0, seed = 1 }: Worst): Record<string, unknown> {
  const random = mulberry32(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const made: Made[] = [];
  const hops: Record<string, unknown>[] = [];
  const legs: Record<string, unknown>[] = [];
  const total = count * 0.9 * MS;
  const at = (time: number): number => (time > total / 2 ? time + HOLE : time);
  const clock = (node: string, time: number): string => text(at(time) + (skews[node] ?? 0));

  for (let i = 0; i < count; i++) {
    const id = i.toString(16).padStart(16, '0');
    // Mostly the newest cause more, so that some chains are deep.
    const parent = i === 0 ? undefined : random() < 0.03 ? made[below(made.length)] : made[made.length - 1 - below(Math.min(made.length, 12))];
    const orphan = i > 0 && random() < 0.004;
    const local = !orphan && parent !== undefined && random() < 0.15;
    const kafka = !local && random() < 0.45;
    const service = i === 0 ? 'gateway' : local && parent !== undefined ? parent.service : (services[below(services.length)] ?? '');
    const node = local && parent !== undefined ? parent.node : `${service}-${1 + below(3)}`;
    const sent = parent === undefined ? 0 : Math.max(parent.start, (i / count) * total - below(40) * MS);
    const start = sent + (local ? 0 : kafka ? below(random() < 0.02 ? 4000 : 60) * MS : below(900) * 1000);
    const took = below(random() < 0.05 ? 400 : 25) * MS + below(1000) * 1000;
    const open = random() < 0.003;
    const failed = !open && random() < 0.02;
    const hop = { id, service, node, start, end: start + took, depth: (parent?.depth ?? 0) + 1 };
    made.push(hop);
    hops.push({
      id, service, version: '1.0.0', node, name: `${kafka ? 'process' : 'GET'} /${service}/${i % 97}`, kind: i === 0 ? 'server' : local ? 'producer' : kafka ? 'consumer' : 'server',
      parent: orphan || parent === undefined ? '' : parent.id, start: clock(node, start), end: open ? null : clock(node, hop.end), duration: open ? null : took,
      outcome: open ? 'open' : failed ? 'failure' : 'success', ...(failed ? { error: 'deadline exceeded' } : {}), ...(random() < 0.01 ? { attempt: 2 } : {}), records: 5, sends: 1,
    });
    if (orphan || parent === undefined) continue;
    const leg = (from: Made, sentAt: number): Record<string, unknown> => ({
      from: from.id, to: id, transport: local ? 'local' : kafka ? 'kafka' : 'http', sent: clock(from.node, sentAt), received: clock(node, start),
      duration: at(start) - at(sentAt) + (skews[node] ?? 0) - (skews[from.node] ?? 0), least: null, most: null,
      ...(kafka ? { topic: `shop.${service}`, partition: i % 6, offset: i, group: service } : {}),
    });
    legs.push(leg(parent, sent));
    // Some wait for all of several causes.
    for (let more = kafka && random() < 0.03 ? 2 : 0; more > 0; more--) {
      const other = made[below(made.length - 1)];
      if (other !== undefined && other.start < start) legs.push(leg(other, other.start));
    }
  }
  for (let i = 0; i < Math.max(1, count / 2000); i++) {
    const from = made[below(made.length)];
    if (from !== undefined) legs.push({ from: from.id, to: '', transport: 'kafka', sent: clock(from.node, from.start), received: null, duration: null, least: null, most: null, topic: 'shop.mailer', partition: i % 6, offset: count + i, waiting: ['mailer'] });
  }
  const records = Array.from({ length: Math.min(shown, count * 5) }, (_, i) => recordOf(made[Math.floor(i / 5)], i, clock));
  const end = Math.max(...made.map((hop) => at(hop.end)));
  return {
    correlation_id: '4bf92f3577b34da6a3ce929d0e0e4736', verdict: 'stalled', reason: 'mailer has not picked up a message.', verdict_hop: made.at(-1)?.id ?? '',
    since: text(end), completeness: 'lossy', completeness_reason: '', as_of: text(end + 600_000 * MS), kind: 'GET /gateway/0', release: '1.0.0', start: text(0), end: text(end),
    stations: services.map((service) => ({ service, first: text(0), last: text(end), hops: [], records: count, errors: 1 })),
    hops, legs, records, record_count: count * 5, records_from: 0,
    gaps: made.filter((_, i) => i % 211 === 5).map((hop) => ({ service: hop.service, node: hop.node, hop: hop.id, numbers: [2, 3] })),
    skews: [], shifts: Object.entries(skews).map(([node, by]) => ({ service: node.slice(0, -2), node, by: -by })), sagas: [], aliases: [], warnings: [],
  };
}

function recordOf(hop: Made | undefined, i: number, clock: (node: string, time: number) => string): Record<string, unknown> {
  if (hop === undefined) return {};
  const level = i % 89 === 0 ? 'error' : i % 31 === 0 ? 'warn' : 'info';
  return {
    '@timestamp': clock(hop.node, hop.start + ((hop.end - hop.start) * (i % 5)) / 5), 'log.level': level, message: `step ${i}`, 'service.name': hop.service,
    'service.node.name': hop.node, 'event.id': `${hop.node}-${i}`, 'hop.id': hop.id, 'span.id': hop.id, 'waybill.kind': 'log', 'correlation.id': '4bf92f3577b34da6a3ce929d0e0e4736',
  };
}

function text(ns: number): string {
  const time = ZERO + BigInt(Math.round(ns));
  const seconds = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(time % 1_000_000_000n).padStart(9, '0')}Z`;
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
