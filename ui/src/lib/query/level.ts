const LEVEL = /(^|\s)level>=(\S+)/;

/** The least level that a query asks for, as it is written; empty where it asks for all. */
export function levelOf(query: string): string {
  return LEVEL.exec(query)?.[2] ?? '';
}

/** The query with another least level, and the rest of it as it was. */
export function withLevel(query: string, level: string): string {
  const rest = query.replace(LEVEL, '').trim();
  return [rest, level === '' ? '' : `level>=${level}`].filter(Boolean).join(' ');
}
