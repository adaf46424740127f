import type { Finding } from './finding';
import type { JsonObject } from './json';
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
  /** In the server's words, for findings that this page has none for. */
  readonly reason: string;
  readonly finding: Finding | null;
  /** The hop that the verdict rests on; empty where it rests on none alone. */
  readonly verdictHop: string;
  /** When that was; null where it is not known. */
  readonly since: Nanos | null;
  readonly completeness: Completeness;
  readonly completenessReason: string;
  readonly completenessFinding: Finding | null;
  /** How far the answer is known; null where the server cannot tell. */
  readonly asOf: Nanos | null;
  readonly kind: string;
  /** The version of the service that began it. */
  readonly release: string;
  readonly start: Nanos | null;
  readonly end: Nanos | null;
  readonly stations: readonly Station[];
  readonly hopCount: number;
  readonly hops: readonly Hop[];
  readonly legs: readonly Leg[];
  /** Those of the window that was asked for. */
  readonly records: readonly JourneyRecord[];
  /** How many there are in all. */
  readonly recordCount: number;
  /** The place of the first of `records` among all, from 0. */
  readonly recordsFrom: number;
  /** Asks for others of its records, as they are now; empty where the server keeps none. */
  readonly revision: string;
  readonly gaps: readonly Gap[];
  readonly skews: readonly Skew[];
  readonly shifts: readonly Shift[];
  readonly sagas: readonly Saga[];
  readonly aliases: readonly Alias[];
  /** What is wrong with the records, in the server's words. */
  readonly warnings: readonly string[];
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
  /** At the same message, from 1; null where nothing counts. */
  readonly attempt: number | null;
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
  /** What it took at least and at most, whatever the clocks say, in nanoseconds; null where nothing tells. */
  readonly least: number | null;
  readonly most: number | null;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly group: string | null;
  /** Consumer groups that are past it and left no record of it. */
  readonly passed: readonly string[];
  /** Consumer groups that are not past it. */
  readonly waiting: readonly string[];
}

export interface JourneyRecord {
  /** The whole of it, as its service wrote it. */
  readonly raw: JsonObject;
  readonly correlationId: string;
  /** Its identity, empty where it has none. */
  readonly id: string;
  readonly time: Nanos | null;
  readonly message: string;
  readonly level: string;
  readonly service: string;
  readonly node: string;
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

/** Bounds on the difference between two instances' clocks, To's less From's, in nanoseconds; null where nothing tells. */
export interface Skew {
  readonly from: string;
  readonly to: string;
  readonly min: number | null;
  readonly max: number | null;
}

/** By how many nanoseconds the times of one instance are to be moved, so that none contradicts a cause. */
export interface Shift {
  readonly service: string;
  readonly node: string;
  readonly by: number;
}

/** One distributed transaction. */
export interface Saga {
  readonly id: string;
  readonly verdict: Verdict | null;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly name: string;
  readonly service: string;
  /** When it was done; null where nothing says that it was. */
  readonly forward: Nanos | null;
  /** When it was undone; null where nothing says that it was. */
  readonly compensated: Nanos | null;
  /** The service that undid it. */
  readonly by: string;
}

/** Another name of the journey, such as an order's number. */
export interface Alias {
  readonly name: string;
  readonly value: string;
}
