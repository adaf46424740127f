import { useRef, useState } from 'preact/hooks';
import { exportFormats, fetchExport } from '../../api/journeys';
import type { ExportFormat } from '../../api/journeys';
import { shortForm } from '../../lib/id';
import { Icon } from '../shell/icons';
import { useKeys, useShell, useText } from '../shell/shell';

const endings: Record<ExportFormat, string> = { html: 'html', ndjson: 'ndjson', otlp: 'otlp.ndjson' };
const MENU = 'take-along';

/** The journey as a file. The token travels in a header, so that no link can fetch it. */
export function TakeAlong({ id }: { readonly id: string }) {
  const { session } = useShell();
  const { actions: text, keys } = useText().journey;
  const [said, setSaid] = useState('');
  const fetching = useRef<AbortController | null>(null);
  useKeys([{ keys: 'x', says: keys.take, run: () => document.getElementById(MENU)?.togglePopover() }], [keys]);

  const take = async (format: ExportFormat): Promise<void> => {
    fetching.current?.abort();
    const mine = new AbortController();
    fetching.current = mine;
    document.getElementById(MENU)?.hidePopover();
    setSaid(text.exporting);
    try {
      const answer = await fetchExport(session.client, id, format, mine.signal);
      const name = `waybill-${shortForm(id).replaceAll(/[^\w.-]/g, '_')}.${endings[format]}`;
      if (answer.kind === 'found') save(answer.value, name);
      setSaid(answer.kind === 'found' ? text.exported(name) : text.exportFailed);
    } catch {
      // Another was asked for.
    }
  };
  return (
    <div class="take-along">
      <button type="button" class="quiet" popovertarget={MENU}><Icon name="download" /><span>{text.exportAs}</span><Icon name="down" /></button>
      <div id={MENU} class="take-menu" popover="auto">
        {exportFormats.map((format) => (
          <button key={format} type="button" onClick={() => void take(format)}>
            <strong>{text.formats[format][0]}</strong>
            <span>{text.formats[format][1]}</span>
          </button>
        ))}
      </div>
      <span class="aside" role="status">{said}</span>
    </div>
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
