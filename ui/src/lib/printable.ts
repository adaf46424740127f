const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Makes visible what would hide or reorder text: control characters, bidirectional marks and what is invisible, as `\x1b` and `\u202e`. A record
 * may hold anything. Tabs and line breaks stay, and the joiners that Persian and emoji are written with.
 */
export function printable(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(HIDDEN, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
