const RANGE = /(^|\s)(since|until):("[^"]*"|\S+)/g;

/** What a query says of time, as it is written; empty where it says nothing. */
export function rangeOf(query: string): { readonly since: string; readonly until: string } {
  const found = { since: '', until: '' };
  for (const match of query.matchAll(RANGE)) {
    const name = match[2] === 'since' ? 'since' : 'until';
    found[name] = (match[3] ?? '').replaceAll('"', '');
  }
  return found;
}

/** The query with another time, and the rest of it as it was. What is empty is not said. */
export function withRange(query: string, since: string, until: string): string {
  const rest = query.replace(RANGE, '').trim();
  return [rest, since === '' ? '' : `since:${since}`, until === '' ? '' : `until:${until}`].filter(Boolean).join(' ');
}
