import { useText } from '../shell/shell';
import { useTitle } from '../shell/title';

export function HealthPage() {
  const text = useText().health;
  useTitle(text.title);
  return <h1>{text.title}</h1>;
}
