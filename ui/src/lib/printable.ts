const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Makes visible what would hide or reorder text: control characters and bidirectional overrides, as `\x1b` and `\u202e`. A record
 * may hold anything. Tabs and line breaks stay.
 */
export function printable(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(HIDDEN, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
