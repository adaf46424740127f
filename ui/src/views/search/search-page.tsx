import { useText } from '../shell/shell';
import { useTitle } from '../shell/title';

export function SearchPage() {
  const text = useText().search;
  useTitle(text.title);
  return <h1>{text.title}</h1>;
}
