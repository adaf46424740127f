import { printable } from '../../lib/printable';
import { useText } from '../shell/shell';

/** A Kafka message that began the hop of a record. */
export interface Carrier {
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly group: string | null;
}

export function Carriers({ carriers }: { readonly carriers: readonly Carrier[] }) {
  const text = useText().record;
  return (
    <section class="record-carrier" aria-label={text.carrier}>
      <h3>{carriers.length === 1 ? text.carrier : text.carriers}</h3>
      {carriers.slice(0, 20).map((carrier) => (
        <dl key={`${carrier.topic} ${carrier.partition} ${carrier.offset}`}>
          {([['topic', carrier.topic], ['partition', carrier.partition], ['offset', carrier.offset], ['group', carrier.group]] as const).map(([name, value]) =>
            value !== null && <div key={name}><dt>{text[name]}</dt><dd><bdi>{printable(String(value))}</bdi></dd></div>)}
        </dl>
      ))}
      <p class="aside">{text.carrierWhy}</p>
    </section>
  );
}
