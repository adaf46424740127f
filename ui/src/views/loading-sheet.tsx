import { shortForm } from '../lib/id';
import { text } from '../lib/text';

/** Drawn late by its style, so that a quick answer comes without a flash. */
export function LoadingSheet({ id }: { readonly id: string }) {
  return (
    <section class="sheet loading" aria-busy="true">
      <h1>{text.loading(shortForm(id))}</h1>
      <div class="loading-lines" aria-hidden="true"><span /><span /><span /></div>
    </section>
  );
}
