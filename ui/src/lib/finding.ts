import type { Nanos } from './time';

/** What a verdict rests on. */
export const verdictCodes = [
  'group_behind', 'station_late', 'never_came', 'hop_failed', 'refused', 'hop_open', 'unanswered', 'not_picked_up', 'declared', 'saga_undeclared',
  'no_hops', 'undeclared', 'promised', 'unrouted', 'ended_well', 'too_many', 'too_many_to_fold',
] as const;

/** What completeness rests on. */
export const completenessCodes = [
  'all_here', 'no_records', 'left_out', 'lost', 'not_received', 'passed_by', 'passed_by_too', 'sends_missing', 'sent_elsewhere', 'cause_missing',
  'not_ended', 'hop_not_counted', 'not_counted', 'records_missing', 'gaps_not_counted',
] as const;

export const codes = [...verdictCodes, ...completenessCodes] as const;
export type Code = (typeof codes)[number];

/** What was found, in a form that every language can say. What is not known is empty, 0 or null. */
export interface Finding {
  /** Null for one that this page has no words for. */
  readonly code: Code | null;
  readonly service: string;
  readonly also: readonly string[];
  readonly hop: string;
  readonly operation: string;
  readonly awaited: string;
  readonly topic: string;
  readonly group: string;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly committed: number | null;
  readonly deserted: boolean;
  readonly at: Nanos | null;
  readonly within: number | null;
  readonly status: number;
  readonly declared: string;
  readonly saga: string;
  readonly count: number;
  readonly here: number;
  readonly number: number;
  readonly why: string;
  readonly because: Finding | null;
}
