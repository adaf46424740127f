/** Asks for one label of an alert, as the server reads it: `severity = critical`, `rule =~ "bank-.*"`. */
export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_.-]{0,127}$/;
const OPERATORS = ['=~', '!~', '!=', '='] as const;

/** A matcher for exactly this value. */
export function matcherFor(label: string, value: string): string {
  return `${label} = ${JSON.stringify(value)}`;
}

/** One matcher a line; empty lines are none. */
export function matcherLines(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** Null where the text is no matcher. */
export function parseMatcher(text: string): Matcher | null {
  const at = text.search(/[=!]/);
  const label = text.slice(0, Math.max(0, at)).trim();
  const operator = OPERATORS.find((one) => text.startsWith(one, at));
  if (at < 0 || operator === undefined || !LABEL.test(label)) return null;
  const value = valueOf(text.slice(at + operator.length).trim());
  return value === null ? null : { label, operator, value };
}

function valueOf(text: string): string | null {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}

/** What matchers ask about. */
export interface Labelled {
  readonly key: string;
  readonly rule: string;
  readonly severity: string;
  readonly correlation_id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Which of the alerts all matchers match. Null where that is not known here: only the server runs patterns. */
export function matched<A extends Labelled>(alerts: readonly A[], matchers: readonly Matcher[]): A[] | null {
  if (matchers.some(({ operator }) => operator.endsWith('~'))) return null;
  return alerts.filter((alert) => matchers.every(({ label, operator, value }) => (labelOf(alert, label) === value) === (operator === '=')));
}

function labelOf(alert: Labelled, label: string): string {
  switch (label) {
    case 'alert':
      return alert.key;
    case 'rule':
    case 'severity':
    case 'correlation_id':
      return alert[label];
    default:
      return Object.hasOwn(alert.labels, label) ? (alert.labels[label] ?? '') : '';
  }
}
