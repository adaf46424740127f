import { useText } from './shell';

/** Drawn late by its style, so that a quick answer comes without a flash. */
export function LoadingSheet({ title }: { readonly title?: string }) {
  const text = useText().shell;
  return (
    <section class="sheet loading" aria-busy="true">
      <p class="loading-title">{title ?? text.loading}</p>
      <div class="loading-lines" aria-hidden="true"><span /><span /><span /></div>
    </section>
  );
}
