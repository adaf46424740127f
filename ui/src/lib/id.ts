const LINE_BREAK = /[\x00-\x1f\x7f]/;
const LONGEST = 2048; // what the server takes

export type IdFault = 'empty' | 'too_long' | 'bad_character' | 'dots';
export type EnteredId = { readonly id: string } | { readonly fault: IdFault };

/**
 * Reads what a person pasted: the ID itself, a `x-correlation-id: …` header, a quoted JSON value, or the address of
 * a Waybill page. Which journey a spelling means is the server's to say.
 */
export function readId(entered: string): EnteredId {
  const id = unwrap(entered.trim());
  if (id === '') return { fault: 'empty' };
  if (id.length > LONGEST) return { fault: 'too_long' };
  if (LINE_BREAK.test(id)) return { fault: 'bad_character' };
  // No encoding keeps "." and ".." from being taken as a folder in an address.
  if (id === '.' || id === '..') return { fault: 'dots' };
  return { id };
}

function unwrap(text: string): string {
  const header = /^(?:x-correlation-id|traceparent|"correlation\.(?:id|key)")\s*:\s*(.*)$/i.exec(text);
  if (header !== null) return unwrap(header[1] ?? '');
  const quoted = /^(["'])(.+)\1,?$/.exec(text);
  if (quoted !== null) return unwrap(quoted[2] ?? '');
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return idInSearch(new URL(text).search) ?? text;
  return text;
}

/** The short form for people: the first digits are the time, the last 8 tell journeys apart. */
export function shortForm(id: string): string {
  return id.slice(-8);
}

/** The ID as `?id=…` holds it, unchecked; null where the address names none. */
export function idInSearch(search: string): string | null {
  return new URLSearchParams(search).get('id') || null;
}

export function searchForId(id: string): string {
  return `?id=${encodeURIComponent(id)}`;
}
