import { CopyButton } from '../shell/copy-button';
import { useText } from '../shell/shell';

/** A file of rules to begin with, and how it is handed over. */
export function ExampleFile({ command }: { readonly command: string }) {
  const text = useText();
  return (
    <figure class="example">
      <figcaption><code>{text.alerts.exampleFile}</code> <CopyButton value={text.alerts.example} shownIn="example-file" label={`${text.shell.copy.copy} ${text.alerts.exampleFile}`} /></figcaption>
      <pre id="example-file" tabIndex={0}>{text.alerts.example}</pre>
      <p><code>{command}</code></p>
    </figure>
  );
}
