/** Where a runbook's link may lead; null for what is no address on the web. It is a template's text, and may hold what a record says. */
export function runbookHref(text: string): string | null {
  try {
    const url = new URL(text.trim());
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}
