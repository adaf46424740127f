import { useText } from '../shell/shell';
import { useTitle } from '../shell/title';

export function AlertsPage() {
  const text = useText().alerts;
  useTitle(text.title);
  return <h1>{text.title}</h1>;
}
