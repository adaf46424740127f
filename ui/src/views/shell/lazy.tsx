import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { LoadingSheet } from './loading-sheet';

/** What a page is given: what the URL says of it. */
export interface PageProps {
  readonly params: Readonly<Record<string, string>>;
}

export interface Lazy<P extends object> {
  (props: P): JSX.Element;
  /** Has the code come before the view is wanted. */
  ahead(): void;
}

/** A view whose code comes when it is wanted. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): Lazy<P> {
  let loaded: ComponentType<P> | null = null;
  const come = async (): Promise<void> => {
    loaded = await load();
  };
  function View(props: P) {
    const [Loaded, setLoaded] = useState(() => loaded);
    useEffect(() => {
      if (Loaded === null) void come().then(() => setLoaded(() => loaded));
    }, []);
    return Loaded === null ? <LoadingSheet /> : <Loaded {...props} />;
  }
  return Object.assign(View, { ahead: () => void come() });
}
