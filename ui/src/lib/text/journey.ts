import type { Completeness, HopKind, Transport, Verdict } from '../journey';
import { plural } from './language';

const ordinal = (n: number): string => {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  const ending = teen ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${ending}`;
};

const verdicts: Record<Verdict, string> = {
  delivered: 'Delivered',
  in_transit: 'In transit',
  stalled: 'Stalled',
  returned: 'Returned',
  exception: 'Failed',
  unconfirmed: 'Unconfirmed',
};

const completenesses: Record<Completeness, string> = {
  proved: 'Proved complete',
  unproved: 'Not proved complete',
  lossy: 'Records missing',
};

const hopKinds: Record<HopKind, string> = {
  server: 'answers a call',
  client: 'makes a call',
  consumer: 'takes a message',
  producer: 'sends a message',
  internal: 'inside the service',
};

const spanStarts: Record<HopKind, string> = {
  server: 'arrived',
  client: 'call sent',
  consumer: 'arrived',
  producer: 'sending',
  internal: 'begun',
};

const spanEnds: Record<HopKind, string> = {
  server: 'left',
  client: 'call answered',
  consumer: 'left',
  producer: 'sent',
  internal: 'ended',
};

const transports: Record<Transport, string> = { http: 'HTTP', kafka: 'Kafka', local: 'In the same process' };

const en = {
  title: (status: string, short: string): string => `${status} · ${short}`,
  loading: (short: string): string => `Looking for ${short} …`,
  notFound: {
    title: 'No journey found',
    body: 'Nothing with this tracking number has arrived. It may be mistyped, too old to be kept, or still on its way here.',
    looking: 'This page keeps looking for a while.',
  },

  verdict: {
    words: verdicts,
    following: 'Following',
    followingTitle: 'This page follows the journey and shows news as it comes.',
    away: (at: string): string => `The server does not answer. This is what was known at ${at}; the page keeps trying.`,
  },

  facts: {
    title: 'Facts',
    id: 'Tracking number',
    copy: 'Copy',
    copyLabel: 'Copy the tracking number',
    copied: 'Copied',
    selected: 'Selected: copy it with the keyboard',
    kind: 'Journey',
    kindUnknown: 'Not known',
    total: 'Total time',
    soFar: 'Time so far',
    started: (day: string, clock: string): string => `${day}, ${clock}`,
    completeness: 'Completeness',
    completenesses,
    asOf: 'Known until',
    asOfUnknown: 'Not known',
    missing: (service: string, count: number, numbers: string): string => `${service}: ${plural(count, 'record', 'records')} missing, ${count === 1 ? 'number' : 'numbers'} ${numbers}`,
  },

  route: {
    title: 'Stations passed',
    records: (n: number): string => plural(n, 'record', 'records'),
    errors: (n: number): string => plural(n, 'error', 'errors'),
  },

  track: {
    title: 'Stations',
    count: (stations: number, hops: number): string => `${plural(hops, 'visit', 'visits')} at ${plural(stations, 'station', 'stations')}`,
    zone: (zone: string): string => `times are local, ${zone}`,
    order: 'How this was ordered',
    orderWhy:
      'By cause, not by clock. A station stands below whatever sent it its work, and what one process wrote stands in the order it was written. ' +
      'Clocks decide only where no cause does. So a time may be earlier than the one above it: then two machines’ clocks disagree.',
    empty: 'No station has been seen yet. There may be records below.',
    more: (n: number): string => `Show ${n} more`,
    elsewhere: 'At no known station',
    elsewhereWhy: 'These belong to the journey, and nothing tells at which station they arose.',
  },

  hop: {
    kinds: hopKinds,
    visit: (n: number): string => `${ordinal(n)} visit`,
    outcomes: { success: 'Ended well', failure: 'Failed', open: 'Still open' },
    unlinked: 'Nothing known leads here; the tracking number alone joins it to this journey',
    under: (service: string): string => `From ${service}`,
    missing: (count: number, numbers: string): string => `${plural(count, 'record', 'records')} proved missing: ${numbers}`,
    status: (status: number): string => `HTTP ${status}`,
    unnamed: 'Unnamed',
    unknownTime: 'Time not known',
    offset: (duration: string): string => `+${duration}`,
    node: (node: string): string => `Instance ${node}`,
    sends: (n: number): string => plural(n, 'send', 'sends'),
  },

  leg: {
    transports,
    from: (service: string): string => `from ${service}`,
    partition: (n: number): string => `partition\u00a0${n}`,
    offset: (n: number): string => `offset\u00a0${n}`,
    group: (name: string): string => `group ${name}`,
    queued: (duration: string): string => `waited ${duration} in the queue`,
    skewed: (duration: string): string => `${duration}: the two clocks disagree`,
    notPickedUp: 'nobody has picked it up yet',
    notSeen: 'picked up where nothing was recorded',
  },

  records: {
    count: (n: number): string => plural(n, 'record', 'records'),
    errors: (n: number): string => plural(n, 'error', 'errors'),
    none: 'No records',
    more: (n: number): string => `Show ${plural(n, 'more record', 'more records')}`,
    noMessage: '(no message)',
    noLevel: 'LOG',
    starts: spanStarts,
    ends: spanEnds,
    outcome: 'outcome',
    labels: 'Labels',
    stack: 'Stack trace',
  },
};

const zhTW: typeof en = en;

export const journey = { en, 'zh-TW': zhTW };
