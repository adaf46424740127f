import { useEffect } from 'preact/hooks';
import { useText } from './shell';

/** Names the window while the view is there. */
export function useTitle(title: string): void {
  const text = useText().shell;
  const whole = title === '' ? text.product : text.document(title);
  useEffect(() => {
    document.title = whole;
  }, [whole]);
}
