import { printable } from '../../lib/printable';
import { useText } from '../shell/shell';

/** Labels of an alert or a rule, by name. */
export function Labels({ labels }: { readonly labels: Readonly<Record<string, string>> }) {
  const text = useText().alerts.firing;
  const names = Object.keys(labels).toSorted();
  if (names.length === 0) return null;
  return (
    <ul class="alert-labels" aria-label={text.labels}>
      {names.map((name) => {
        const value = printable(labels[name] ?? '');
        return <li key={name} title={`${name} = ${value}`}><span>{printable(name)}</span> <bdi>{value}</bdi></li>;
      })}
    </ul>
  );
}
