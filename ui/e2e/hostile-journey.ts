import { classes } from './payloads';
import type { PayloadClass } from './payloads';

/** A journey whose every text is hostile, as lines that the intake takes. */
export interface HostileJourney {
  readonly id: string;
  readonly payloads: readonly string[];
  readonly lines: readonly (string | Buffer)[];
  /** How many records the lines make. */
  readonly records: number;
}

type Fields = Readonly<Record<string, unknown>>;

const odd = [-1, 0, 299, 600, 99_999, 2 ** 31 - 1];

/** Writes records of our own contract, one after the other, in one journey. */
class Writer {
  readonly id: string;
  readonly lines: (string | Buffer)[] = [];
  #number = 0;
  #at = Date.now() - 60_000;

  constructor(id: string) {
    this.id = id;
  }

  /** A record in all of whose texts one stands, but where fields say otherwise. */
  write(text: string, fields: Fields): void {
    this.#number++;
    this.#at += 7;
    this.lines.push(JSON.stringify({
      '@timestamp': new Date(this.#at).toISOString(),
      'log.level': 'info',
      message: text,
      'service.name': text,
      'service.version': text,
      'service.environment': text,
      'service.node.name': text,
      'correlation.id': this.id,
      'correlation.key': this.id.toLowerCase(),
      'log.logger': text,
      'log.origin.file.name': text,
      'log.origin.function': text,
      'saga.id': text,
      'saga.step': text,
      'saga.phase': 'forward',
      'event.id': `${this.id}-${this.#number}`.toLowerCase(),
      'waybill.kind': 'log',
      'waybill.version': 1,
      ...fields,
    }));
  }
}

/** Of each class one journey: a hop for each payload, caused by a message of the one before. */
export function hostileJourneys(): HostileJourney[] {
  return classes.map((one) => hostileJourney(one));
}

function hostileJourney({ name, payloads }: PayloadClass): HostileJourney {
  const id = payloads.find((payload) => /^[\x21-\x7e]{8,100}$/.test(payload)) ?? `hostile-${name}`;
  const writer = new Writer(id);
  let cause = '';
  for (const [i, text] of payloads.entries()) cause = visit(writer, text, cause, i);
  const [first = '', last = ''] = [payloads[0], payloads.at(-1)];
  writer.write(first, { 'waybill.kind': 'alias', 'alias.name': last, 'alias.value': `${first} ${last}` });
  writer.write(first, { 'waybill.kind': 'expect', 'expect.station': last, 'expect.within': 3_600_000_000_000 });
  writer.write(first, { 'waybill.kind': 'outcome', 'waybill.outcome': 'failed', 'waybill.reason': first, 'error.message': first, 'error.type': last });
  writer.lines.push(...foreign(id, payloads));
  return { id, payloads, lines: writer.lines, records: writer.lines.length };
}

/** Writes a hop, in all of whose fields a payload stands, and returns the span that sent a message on. */
function visit(writer: Writer, text: string, cause: string, i: number): string {
  const hop = { 'trace.id': hex(1, 32), 'span.id': hex(2 * i + 2, 16), 'parent.id': cause };
  const on = { 'trace.id': hex(1, 32), 'span.id': hex(2 * i + 3, 16), 'parent.id': hop['span.id'], 'hop.id': hop['span.id'] };
  const kind = i % 5 === 4 ? text : i === 0 ? 'server' : 'consumer';
  const about = {
    ...hop, 'span.name': text, 'span.kind': kind, 'http.request.method': text, 'http.route': text, 'url.path': text, 'http.response.status_code': odd[i % odd.length],
    'messaging.system': text, 'messaging.operation.type': text, 'messaging.destination.name': text, 'messaging.consumer.group.name': text, 'messaging.message.attempt': i % 7,
  };
  const error = { 'error.type': text, 'error.message': text, 'error.stack_trace': `${text}\n\tat ${text}` };
  const sent = { ...on, 'span.name': text, 'span.kind': 'producer', 'messaging.system': 'kafka', 'messaging.destination.name': text, 'messaging.destination.partition.id': String(i), 'messaging.kafka.offset': i };
  writer.write(text, { ...about, 'waybill.kind': 'hop.start' });
  writer.write(text, { ...hop, 'log.level': i % 3 === 0 ? text : 'error', ...error, labels: Object.fromEntries([[text.replaceAll('\0', ''), text], ['__proto__', text], ['constructor', text]]) });
  writer.write(text, { ...hop, 'waybill.kind': i % 4 === 0 ? text : 'log' });
  writer.write(text, { ...sent, 'waybill.kind': 'hop.start' });
  writer.write(text, { ...sent, 'waybill.kind': 'hop.end', 'event.outcome': 'success', 'event.duration': 1 });
  writer.write(text, { ...about, ...error, 'waybill.kind': 'hop.end', 'event.outcome': i % 3 === 0 ? text : 'failure', 'event.duration': i % 2 === 0 ? -1 : 2 ** 53 });
  return on['span.id'];
}

function hex(n: number, digits: number): string {
  return n.toString(16).padStart(digits, '0');
}

/** The same texts from a service that knows nothing of our contract, and bytes that are no text at all. */
function foreign(id: string, payloads: readonly string[]): (string | Buffer)[] {
  const lines: (string | Buffer)[] = payloads.map((text) =>
    JSON.stringify(Object.fromEntries<unknown>([
      ['msg', text], ['service', text], ['level', text], ['logger', text], ['correlation_id', id], ['err', text], ['stack', text], ['ts', Date.now() / 1000], [text === '' ? 'x' : text, { [text]: [text] }],
    ])),
  );
  const raw = (bytes: readonly number[]): Buffer =>
    Buffer.concat([Buffer.from('{"msg":"no text: '), Buffer.from(bytes), Buffer.from(`","service":"bytes","correlation_id":${JSON.stringify(id)},"ts":${Date.now() / 1000}}`)]);
  lines.push(raw([0xff, 0xfe]), raw([0xc0, 0xbc, 0x73]), raw([0xed, 0xa0, 0x80]), raw([0xf4, 0x90, 0x80, 0x80]), raw([0x80, 0x3c, 0x62, 0x3e]));
  lines.push(`{"msg":"half a pair \\ud800 and \\udfff","service":"bytes","correlation_id":${JSON.stringify(id)},"ts":1}`);
  return lines;
}

/** A journey of few records that are as large as records can be. */
export function largeJourney(): HostileJourney {
  const text = '<b>megabyte</b> ';
  const writer = new Writer('hostile-large');
  const hop = { 'trace.id': hex(7, 32), 'span.id': hex(7, 16), 'span.name': 'POST /large', 'span.kind': 'server' };
  const write = (message: string, fields: Fields): void => writer.write('large', { ...hop, message, ...fields });
  write('begins', { 'waybill.kind': 'hop.start' });
  write(text.repeat(61_000), {});
  write('many labels', { labels: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`label ${i} <i>`, text])) });
  write('one long label', { labels: { long: text.repeat(50_000) } });
  write('a long error', { 'log.level': 'error', 'error.type': text, 'error.message': text.repeat(20_000), 'error.stack_trace': `${text}\n`.repeat(30_000) });
  write('ends', { 'waybill.kind': 'hop.end', 'event.outcome': 'failure', 'event.duration': 1 });
  writer.lines.push(JSON.stringify({ msg: text.repeat(80_000), service: 'large', correlation_id: 'hostile-large', ts: Date.now() / 1000 })); // is cut
  return { id: 'hostile-large', payloads: [text.trim()], lines: writer.lines, records: writer.lines.length };
}

/** Two contents under one identity: the second is a dead letter. */
export function deadLetter(text: string): string[] {
  return ['first', text].map((message) => JSON.stringify({ '@timestamp': '2026-01-01T00:00:00Z', message, 'service.name': text, 'event.id': 'hostile-letter', 'waybill.kind': 'log', 'waybill.version': 1 }));
}
