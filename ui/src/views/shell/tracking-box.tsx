import { useEffect, useRef, useState } from 'preact/hooks';
import { readId } from '../../lib/id';
import type { IdFault } from '../../lib/id';
import { useText } from './shell';

const ID = 'tracking-number';

export function focusTrackingBox(): void {
  document.getElementById(ID)?.focus();
}

export function TrackingBox({ entered, focus, onTrack }: {
  readonly entered: string;
  readonly focus: boolean;
  readonly onTrack: (id: string) => void;
}) {
  const text = useText().shell;
  const [value, setValue] = useState(entered);
  const [fault, setFault] = useState<IdFault | null>(null);
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    setValue(entered);
    setFault(null);
  }, [entered]);
  // As a property, Preact would set it to the truth of "off".
  useEffect(() => input.current?.setAttribute('autocorrect', 'off'), []);
  useEffect(() => {
    if (focus) input.current?.focus();
  }, [focus]);

  const submit = (event: Event): void => {
    event.preventDefault();
    const read = readId(value);
    if ('fault' in read) {
      setFault(read.fault);
      input.current?.focus();
      return;
    }
    setFault(null);
    setValue(read.id);
    onTrack(read.id);
  };

  return (
    <form class="box" role="search" aria-label={text.box.search} noValidate onSubmit={submit}>
      <div class="box-field" data-fault={fault !== null}>
        <label for={ID}>{text.box.label}</label>
        <input
          ref={input}
          id={ID}
          type="text"
          value={value}
          placeholder={text.box.placeholder}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          enterkeyhint="search"
          aria-invalid={fault !== null}
          aria-describedby={fault === null ? undefined : 'tracking-fault'}
          onInput={(event) => {
            setValue(event.currentTarget.value);
            setFault(null);
          }}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="submit">{text.box.submit}</button>
      </div>
      <p id="tracking-fault" class="box-fault" role="alert">{fault === null ? '' : text.box.faults[fault]}</p>
    </form>
  );
}
