import { useId, useMemo, useState } from 'preact/hooks';
import { printable } from '../../lib/printable';
import { openSavedSearches } from '../../state/saved-searches';
import { Icon } from '../shell/icons';
import { useText } from '../shell/shell';

/** Searches kept in this browser, and a place to keep the one that is shown. */
export function SavedMenu({ q, as, onOpen }: { readonly q: string; readonly as: string; readonly onOpen: (q: string, as: string) => void }) {
  const text = useText().search;
  const searches = useMemo(() => openSavedSearches(() => window.localStorage), []);
  const [name, setName] = useState('');
  const id = useId();
  const menu = useId();
  const list = searches.list.value;
  return (
    <div class="saved">
      <button type="button" class="quiet" popovertarget={menu}>{text.saved}<Icon name="down" /></button>
      <div id={menu} class="saved-menu" popover="auto">
        {list.length === 0 && <p class="aside">{text.savedNone}</p>}
        <ul>
          {list.map((search) => (
            <li key={search.name}>
              <button type="button" popovertarget={menu} popovertargetaction="hide" onClick={() => onOpen(search.q, search.as)}><bdi>{printable(search.name)}</bdi><code>{printable(search.q)}</code></button>
              <button type="button" class="icon-button" aria-label={text.remove(printable(search.name))} onClick={() => searches.remove(search.name)}><Icon name="close" /></button>
            </li>
          ))}
        </ul>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim() === '') return;
            searches.save({ name: name.trim().slice(0, 80), q, as });
            setName('');
          }}
        >
          <label for={id}>{text.save}</label>
          <div>
            <input id={id} class="field" value={name} placeholder={text.saveName} maxLength={80} onInput={(event) => setName(event.currentTarget.value)} />
            <button type="submit" class="quiet">{text.saveSubmit}</button>
          </div>
        </form>
      </div>
    </div>
  );
}
