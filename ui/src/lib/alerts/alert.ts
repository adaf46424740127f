export const severities = ['critical', 'warning', 'info'] as const;
/** The worst first. */
export type Severity = (typeof severities)[number];

/** What of an alert says where it stands. */
export interface AlertFacts {
  readonly key: string;
  readonly rule: string;
  readonly status: 'pending' | 'firing' | 'resolved';
  readonly severity: Severity;
  /** Nobody was told of it. */
  readonly quiet: boolean;
  /** IDs of silences. */
  readonly silenced_by: readonly string[];
}

/** `quiet` are those that fire while a silence, or another alert, keeps receivers from being told. */
export type Standing = 'firing' | 'quiet' | 'pending';

export function standingOf(alert: AlertFacts): Standing {
  if (alert.status === 'pending') return 'pending';
  return alert.quiet || alert.silenced_by.length > 0 ? 'quiet' : 'firing';
}

/** Each key once. What is no journey's may be wrong in several partitions: it fires where one of them does, since the first of them began. */
export function distinct<A extends AlertFacts>(latestFirst: readonly A[]): A[] {
  const out = new Map<string, A>();
  for (const alert of latestFirst) {
    const known = out.get(alert.key);
    if (known === undefined || known.status === alert.status || alert.status === 'firing') out.set(alert.key, alert);
  }
  return [...out.values()];
}

/** Alerts of one rule. */
export interface AlertGroup<A> {
  readonly rule: string;
  readonly severity: Severity;
  readonly alerts: readonly A[];
}

/** By rule: the worst rules first, else as they came. Within a rule they stay as they came. */
export function groupByRule<A extends AlertFacts>(alerts: readonly A[]): AlertGroup<A>[] {
  const rules = new Map<string, A[]>();
  for (const alert of alerts) {
    const own = rules.get(alert.rule);
    if (own === undefined) rules.set(alert.rule, [alert]);
    else own.push(alert);
  }
  const groups = [...rules].map(([rule, own]) => ({ rule, severity: worstOf(own), alerts: own }));
  return groups.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

function worstOf(alerts: readonly AlertFacts[]): Severity {
  return severities.find((severity) => alerts.some((alert) => alert.severity === severity)) ?? 'info';
}

/** How many of each severity, the worst first; those there are none of are left out. */
export function bySeverity(alerts: readonly AlertFacts[]): { readonly severity: Severity; readonly count: number }[] {
  return severities
    .map((severity) => ({ severity, count: alerts.filter((alert) => alert.severity === severity).length }))
    .filter(({ count }) => count > 0);
}
