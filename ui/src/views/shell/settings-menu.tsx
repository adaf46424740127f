import type { Signal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { languages } from '../../lib/text/language';
import { timeModes } from '../../lib/time';
import { themes } from '../../state/liked';
import { Icon } from './icons';
import { openKeys } from './keys-dialog';
import { useShell, useText } from './shell';

export function SettingsMenu() {
  const { preferences } = useShell();
  const text = useText().shell.settings;
  return (
    <div class="settings">
      <button type="button" class="icon-button" popovertarget="settings" aria-label={text.title}><Icon name="settings" /></button>
      <div id="settings" class="settings-menu" popover="auto" role="group" aria-label={text.title}>
        <Choice label={text.times} value={preferences.times} of={timeModes} words={text.timeModes} />
        <Choice label={text.theme} value={preferences.theme} of={themes} words={text.themes} />
        <Choice label={text.language} value={preferences.language} of={languages} words={text.languages} />
        <button type="button" class="quiet" popovertarget="settings" popovertargetaction="hide" onClick={openKeys}>{text.keys} <kbd>?</kbd></button>
      </div>
    </div>
  );
}

function Choice<T extends string>({ label, value, of, words }: {
  readonly label: string;
  readonly value: Signal<T>;
  readonly of: readonly T[];
  readonly words: Readonly<Record<T, string>>;
}) {
  const id = useId();
  return (
    <div class="choice">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value.value}
        onChange={(event) => {
          const chosen = of.find((one) => one === event.currentTarget.value);
          if (chosen !== undefined) value.value = chosen;
        }}
      >
        {of.map((one) => <option key={one} value={one}>{words[one]}</option>)}
      </select>
    </div>
  );
}
