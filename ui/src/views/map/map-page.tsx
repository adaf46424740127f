import { useText } from '../shell/shell';
import { useTitle } from '../shell/title';

export function MapPage() {
  const text = useText().map;
  useTitle(text.title);
  return <h1>{text.title}</h1>;
}
