import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from '@tanstack/virtual-core';
import type { VirtualizerOptions } from '@tanstack/virtual-core';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef } from 'preact/hooks';

/**
 * A list of any length whose rows all have one height: only those in sight are drawn. `active` is the row that keys move, -1 for
 * none; it is scrolled into sight when it changes. `onEnd` is called when the end comes near. `follow` keeps the end in sight whatever is
 * added; `onAtEnd` says whether somebody has scrolled away from it, or back.
 */
export function VirtualList({ count, rowHeight, label, active = -1, follow = false, onEnd, onAtEnd, onRange, onScroll, class: className = '', children }: {
  readonly count: number;
  /** In pixels. */
  readonly rowHeight: number;
  readonly label: string;
  readonly active?: number;
  readonly follow?: boolean;
  readonly onEnd?: () => void;
  readonly onAtEnd?: (atEnd: boolean) => void;
  /** Which rows are drawn: `from` ≤ row < `until`. */
  readonly onRange?: (from: number, until: number) => void;
  /** `top`: pixels above what is seen. */
  readonly onScroll?: (top: number) => void;
  readonly class?: string;
  readonly children: (index: number) => ComponentChildren;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const options: VirtualizerOptions<HTMLDivElement, HTMLDivElement> = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => draw(0),
  };
  const virtualizer = useMemo(() => new Virtualizer(options), []);
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  useEffect(() => {
    if (active >= 0 && active < count) virtualizer.scrollToIndex(active, { align: 'auto' });
  }, [active]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (follow && element !== null) element.scrollTop = element.scrollHeight;
  });

  const rows = virtualizer.getVirtualItems();
  const last = rows.at(-1)?.index ?? -1;
  const first = rows[0]?.index ?? 0;
  useEffect(() => {
    onRange?.(first, last + 1);
  }, [first, last, onRange]);
  useEffect(() => {
    if (count > 0 && last >= count - 10) onEnd?.();
  }, [last, count]);

  return (
    <div
      ref={scroller}
      class={`virtual-list ${className}`}
      role="list"
      aria-label={label}
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        onScroll?.(scrollTop);
        onAtEnd?.(scrollHeight - scrollTop - clientHeight < rowHeight);
      }}
    >
      <div class="virtual-rows" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {rows.map((row) => (
          <div
            key={row.key}
            class="virtual-row"
            role="listitem"
            aria-setsize={count}
            aria-posinset={row.index + 1}
            data-active={row.index === active}
            style={{ height: `${rowHeight}px`, transform: `translateY(${row.start}px)` }}
          >
            {children(row.index)}
          </div>
        ))}
      </div>
    </div>
  );
}
