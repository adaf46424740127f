import { useEffect, useRef, useState } from 'preact/hooks';
import type { AlertOf } from '../../api/schema';
import { newsOfAlerts } from '../../lib/alerts/news';
import { printable } from '../../lib/printable';
import { useText } from '../shell/shell';

const NEW_FOR_MS = 15_000;
const none: ReadonlySet<string> = new Set();

/** Alerts that began while somebody looked: their keys, for a while, and a sentence for those who hear the page. Null alerts are not known yet. */
export function useAlertNews(alerts: readonly AlertOf[] | null): { readonly keys: ReadonlySet<string>; readonly said: string } {
  const text = useText().alerts.news;
  const before = useRef<readonly AlertOf[] | null>(null);
  const [news, setNews] = useState({ keys: none, said: '' });
  useEffect(() => {
    const old = before.current;
    if (alerts !== null) before.current = alerts;
    const found = old === null || alerts === null ? null : newsOfAlerts(old, alerts);
    if (found === null) return;
    const began = found.began[0] === undefined ? '' : text.began(found.began.length, printable(found.began[0].title.slice(0, 200)));
    setNews((now) => ({
      keys: new Set([...now.keys, ...found.began.map(({ key }) => key)]),
      said: [began, found.ended === 0 ? '' : text.ended(found.ended)].filter(Boolean).join('. '),
    }));
  }, [alerts]);
  useEffect(() => {
    if (news.keys.size === 0) return;
    const timer = setTimeout(() => setNews((now) => ({ ...now, keys: none })), NEW_FOR_MS);
    return () => clearTimeout(timer);
  }, [news.keys]);
  return news;
}
