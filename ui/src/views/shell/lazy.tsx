import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { LoadingSheet } from './loading-sheet';

/** What a page is given: what the URL says of it. */
export interface PageProps {
  readonly params: Readonly<Record<string, string>>;
}

/** A view whose code comes when it is wanted. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [View, setView] = useState(() => loaded);
    useEffect(() => {
      if (View !== null) return;
      void (async () => {
        loaded = await load();
        setView(() => loaded);
      })();
    }, []);
    return View === null ? <LoadingSheet /> : <View {...props} />;
  };
}
