import { hueOf } from '../../lib/hue';
import { printable } from '../../lib/printable';

/** A service, with the colour that it has everywhere. */
export function ServiceName({ name }: { readonly name: string }) {
  return (
    <span class="service" style={{ '--hue': String(hueOf(name)) }}>
      <i class="service-dot" aria-hidden="true" />
      <bdi>{printable(name)}</bdi>
    </span>
  );
}
