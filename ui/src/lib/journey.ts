import type { Nanos } from './time';

export const verdicts = ['delivered', 'in_transit', 'stalled', 'returned', 'exception', 'unconfirmed'] as const;
export type Verdict = (typeof verdicts)[number];

export const completenesses = ['proved', 'unproved', 'lossy'] as const;
export type Completeness = (typeof completenesses)[number];

export const hopKinds = ['server', 'client', 'consumer', 'producer', 'internal'] as const;
export type HopKind = (typeof hopKinds)[number];

export type Outcome = 'success' | 'failure' | 'open';
export type Transport = 'http' | 'kafka' | 'local';

/** What happened to one request. Every list is in the server's causal order and stays in it. */
export interface Journey {
  readonly correlationId: string;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly completeness: Completeness;
  readonly completenessReason: string;
  /** How far the answer is known; null where the server cannot tell. */
  readonly asOf: Nanos | null;
  readonly kind: string;
  readonly start: Nanos | null;
  readonly end: Nanos | null;
  readonly stations: readonly Station[];
  readonly hops: readonly Hop[];
  readonly legs: readonly Leg[];
  readonly records: readonly JourneyRecord[];
  readonly gaps: readonly Gap[];
}

export interface Station {
  readonly service: string;
  readonly hops: readonly string[];
  readonly records: number;
  readonly errors: number;
}

export interface Hop {
  readonly id: string;
  readonly service: string;
  readonly node: string;
  readonly name: string;
  /** Null where the record of its start is missing. */
  readonly kind: HopKind | null;
  /** A hop's ID, or empty for a hop that nothing known caused. */
  readonly parent: string;
  readonly start: Nanos | null;
  readonly end: Nanos | null;
  /** Nanoseconds; null while open. */
  readonly duration: number | null;
  readonly outcome: Outcome;
  /** Empty where none was given. */
  readonly error: string;
  /** The HTTP status it answered with. */
  readonly status: number | null;
  readonly records: number;
  readonly sends: number;
}

export interface Leg {
  readonly from: string;
  /** Empty while nobody has picked it up. */
  readonly to: string;
  readonly transport: Transport;
  readonly sent: Nanos | null;
  readonly received: Nanos | null;
  /** Nanoseconds; the time in the queue for Kafka. Negative where two clocks contradict the cause. */
  readonly duration: number | null;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly group: string | null;
}

export interface JourneyRecord {
  readonly time: Nanos | null;
  readonly message: string;
  readonly level: string;
  readonly service: string;
  /** `log`, `hop.start`, `hop.end` or `outcome`. */
  readonly kind: string;
  /** The kind of the span that `hop.start` and `hop.end` are about; null on other records. */
  readonly span: HopKind | null;
  /** The hop that wrote it; empty where none is known. */
  readonly hop: string;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
}

/** Records proved missing. */
export interface Gap {
  readonly service: string;
  readonly node: string;
  /** Empty where only the instance is known. */
  readonly hop: string;
  readonly numbers: readonly number[];
}
