import { standingOf } from './alert';
import type { AlertFacts } from './alert';

/** What has changed about the alerts that people are told of. */
export interface AlertNews<A> {
  readonly began: readonly A[];
  /** How many have ceased to fire, or are kept quiet now. */
  readonly ended: number;
}

/** Null where there is nothing new. */
export function newsOfAlerts<A extends AlertFacts>(before: readonly A[], after: readonly A[]): AlertNews<A> | null {
  const [old, now] = [firing(before), firing(after)];
  const began = [...now.values()].filter((alert) => !old.has(alert.key));
  const ended = [...old.keys()].filter((key) => !now.has(key)).length;
  return began.length === 0 && ended === 0 ? null : { began, ended };
}

function firing<A extends AlertFacts>(alerts: readonly A[]): ReadonlyMap<string, A> {
  return new Map(alerts.filter((alert) => standingOf(alert) === 'firing').map((alert) => [alert.key, alert]));
}
