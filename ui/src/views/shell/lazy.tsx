import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { LoadingSheet } from './loading-sheet';

/** What a page is given: what the URL says of it. */
export interface PageProps {
  readonly params: Readonly<Record<string, string>>;
}

/** A page whose code comes when it is wanted. */
export function lazy(load: () => Promise<ComponentType<PageProps>>): ComponentType<PageProps> {
  let loaded: ComponentType<PageProps> | null = null;
  return function Lazy(props: PageProps) {
    const [Page, setPage] = useState(() => loaded);
    useEffect(() => {
      if (Page !== null) return;
      void (async () => {
        loaded = await load();
        setPage(() => loaded);
      })();
    }, []);
    return Page === null ? <LoadingSheet /> : <Page {...props} />;
  };
}
