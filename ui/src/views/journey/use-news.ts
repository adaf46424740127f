import { useEffect, useRef, useState } from 'preact/hooks';
import type { Journey } from '../../lib/journey';
import { newsOf } from '../../lib/news';
import { useText } from '../shell/shell';

const NEW_FOR_MS = 15_000;
const none: ReadonlySet<string> = new Set();

/** What has become known of a journey while it was looked at: the hops, for a while, and a sentence for those who hear the page. */
export function useNews(journey: Journey): { readonly hops: ReadonlySet<string>; readonly said: string } {
  const text = useText().journey;
  const before = useRef(journey);
  const [news, setNews] = useState({ hops: none, said: '' });
  useEffect(() => {
    const old = before.current;
    before.current = journey;
    const found = newsOf(old, journey);
    if (found === null) return;
    setNews((now) => ({
      hops: new Set([...now.hops, ...found.hops]),
      said: [found.verdict === null ? '' : text.verdict.words[found.verdict], text.news(found.hops.length, found.records)].filter(Boolean).join('. '),
    }));
  }, [journey]);
  useEffect(() => {
    if (news.hops.size === 0) return;
    const timer = setTimeout(() => setNews((now) => ({ ...now, hops: none })), NEW_FOR_MS);
    return () => clearTimeout(timer);
  }, [news.hops]);
  return news;
}
