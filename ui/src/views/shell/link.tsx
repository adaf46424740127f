import type { ComponentChildren } from 'preact';
import { hrefOf } from '../../lib/route';
import type { Page, RouteParams } from '../../lib/route';
import { useShell } from './shell';

/** A link to a view of this page; new tabs and windows are left to the browser. */
export function Link({ to, params = {}, class: className, label, current, children }: {
  readonly to: Page;
  readonly params?: RouteParams;
  readonly class?: string;
  readonly label?: string;
  readonly current?: boolean;
  readonly children: ComponentChildren;
}) {
  const { address } = useShell();
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    address.go(to, params);
  };
  return (
    <a class={className} href={hrefOf(to, params)} aria-label={label} aria-current={current === true ? 'page' : undefined} onClick={follow}>
      {children}
    </a>
  );
}
