import { useEffect, useState } from 'preact/hooks';
import { printable } from '../../lib/printable';
import { useText } from '../shell/shell';

/** Text from outside, cut where it is long, with a way to all of it. */
export function LongText({ value, most = 2000, class: className = '' }: { readonly value: string; readonly most?: number; readonly class?: string }) {
  const text = useText().shell;
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [value]);
  const long = value.length > most;
  return (
    <>
      <bdi class={`long-text ${className}`}>{printable(long && !all ? `${cut(value, most)} …` : value)}</bdi>
      {long && <> <button type="button" class="show-all" aria-expanded={all} onClick={() => setAll(!all)}>{all ? text.showLess : text.showAll(value.length)}</button></>}
    </>
  );
}

/** The beginning of a text, without half a character at its end. */
function cut(value: string, most: number): string {
  return value.slice(0, most).replace(/[\ud800-\udbff]$/, '');
}
