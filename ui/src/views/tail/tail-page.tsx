import { useText } from '../shell/shell';
import { useTitle } from '../shell/title';

export function TailPage() {
  const text = useText().tail;
  useTitle(text.title);
  return <h1>{text.title}</h1>;
}
