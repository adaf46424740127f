/** What the query language calls fields of a record; those that it cannot ask for are not here. */
const names: Readonly<Record<string, string>> = {
  'service.name': 'service',
  'service.version': 'version',
  'service.node.name': 'instance',
  'log.level': 'level',
  'waybill.kind': 'type',
  'event.outcome': 'outcome',
  'event.duration': 'duration',
  'event.sequence': 'sequence',
  'span.name': 'operation',
  'messaging.destination.name': 'topic',
  'http.response.status_code': 'status',
  'correlation.id': 'id',
  'correlation.key': 'id',
  'trace.id': 'trace',
  'saga.id': 'saga',
  'alias.value': 'alias',
  'error.type': 'error.type',
  'error.message': 'error',
  message: 'message',
};

const LABELS = 'labels.';
const LONGEST = 256;

/** The condition that a field has a value, such as `service:bank`; null where the query language has none for it. */
export function conditionOf(field: string, value: string): string | null {
  const name = Object.hasOwn(names, field) ? names[field] : field.startsWith(LABELS) ? `label.${field.slice(LABELS.length)}` : undefined;
  // A name ends at an operator, a space or a quote; no quotes may stand around it.
  if (name === undefined || name === 'label.' || /[\s()":=<>~\0]/.test(name) || value.length > LONGEST) return null;
  // Text is found by its words.
  if ((name === 'message' || name === 'error') && !/[\p{L}\p{N}]/u.test(value)) return null;
  return `${name}:${quoted(value)}`;
}

/** The query with a condition more, unless it has that already. `without`: it must not hold. */
export function withCondition(query: string, condition: string, without: boolean): string {
  const more = without ? `-${condition}` : condition;
  if (` ${query} `.includes(` ${more} `)) return query;
  return query.trim() === '' ? more : `${query.trim()} ${more}`;
}

/** A value as a query has it: in quotes where it has what would end it. */
export function quoted(value: string): string {
  return /^[\p{L}\p{N}_][\p{L}\p{N}_./@+-]*$/u.test(value) && !/^(?:AND|OR|NOT)$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
