import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { readCaret } from '../../lib/query/caret';
import { complete, suggest } from '../../lib/query/suggest';
import type { QueryField, Suggestion } from '../../lib/query/suggest';
import { printable } from '../../lib/printable';
import { useText } from '../shell/shell';

/** What is wrong with a query: the server's sentence, and the character it is about, from 1; 0 where it names none. */
export interface QueryFault {
  readonly detail: string;
  readonly column: number;
}

/**
 * A query with completion, as the ARIA combobox pattern has it. `countValues` gives the frequent values of a field that the
 * server can count.
 */
export function QueryBox({ id, value, fields, countValues, fault, placeholder, onSubmit }: {
  readonly id: string;
  readonly value: string;
  readonly fields: readonly QueryField[];
  readonly countValues: (field: string) => Promise<readonly string[]>;
  readonly fault: QueryFault | null;
  readonly placeholder: string;
  readonly onSubmit: (query: string) => void;
}) {
  const text = useText().search;
  const [written, setWritten] = useState(value);
  const [caret, setCaret] = useState<number | null>(null);
  const [counted, setCounted] = useState<{ readonly field: string; readonly values: readonly string[] }>({ field: '', values: [] });
  const [chosen, setChosen] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const list = useId();
  useEffect(() => setWritten(value), [value]);

  const at = caret === null ? null : readCaret(written, caret);
  const field = at?.kind === 'value' ? (fields.find(({ name }) => name === at.name)?.counted ?? '') : '';
  useEffect(() => {
    if (field === '' || field === counted.field) return;
    let mine = true;
    void countValues(field).then((values) => {
      if (mine) setCounted({ field, values });
      return values;
    });
    return () => {
      mine = false;
    };
  }, [field]);
  const suggestions = at === null ? [] : suggest(at, fields, field === counted.field ? counted.values : []);
  const open = suggestions.length > 0 && !(suggestions.length === 1 && at?.written === suggestions[0]?.label);

  const close = (): void => {
    setCaret(null);
    setChosen(-1);
  };
  const look = (): void => {
    setCaret(input.current?.selectionStart ?? null);
    setChosen(-1);
  };
  const take = (suggestion: Suggestion): void => {
    if (at === null || input.current === null) return;
    const done = complete(written, at, suggestion.insert);
    setWritten(done.text);
    input.current.value = done.text;
    input.current.setSelectionRange(done.caret, done.caret);
    input.current.focus();
    look();
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const picked = suggestions[chosen];
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!open) return look();
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setChosen((chosen + step + suggestions.length + (chosen < 0 && step < 0 ? 1 : 0)) % suggestions.length);
    } else if (event.key === 'Escape' && open) {
      event.preventDefault();
      close();
    } else if ((event.key === 'Tab' || event.key === 'Enter') && open && picked !== undefined) {
      event.preventDefault();
      take(picked);
    }
  };

  return (
    <form
      class="query"
      role="search"
      aria-label={text.box}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        close();
        onSubmit(written.trim());
      }}
    >
      <div class="query-field" data-fault={fault !== null}>
        <input
          ref={input}
          id={id}
          type="text"
          role="combobox"
          aria-label={text.box}
          aria-expanded={open}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={chosen >= 0 ? `${list}-${chosen}` : undefined}
          aria-invalid={fault !== null}
          aria-describedby={fault === null ? undefined : `${list}-fault`}
          value={written}
          placeholder={placeholder}
          maxLength={8192}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          onInput={(event) => {
            setWritten(event.currentTarget.value);
            look();
          }}
          onClick={look}
          onKeyDown={pressed}
          onBlur={close}
        />
        <button type="submit">{text.submit}</button>
      </div>
      {open && (
        <div id={list} class="suggestions" role="listbox" aria-label={text.suggestions}>
          {suggestions.map((suggestion, i) => (
            <div
              key={suggestion.label}
              id={`${list}-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === chosen}
              onMouseDown={(event) => {
                event.preventDefault(); // the box keeps the focus
                take(suggestion);
              }}
            >
              <code>{printable(suggestion.label)}</code>
              <span>{suggestion.about}</span>
            </div>
          ))}
        </div>
      )}
      {fault !== null && <Fault id={`${list}-fault`} query={value} fault={fault} />}
    </form>
  );
}

/** The query as it was asked, with a mark below what is wrong with it. */
function Fault({ id, query, fault }: { readonly id: string; readonly query: string; readonly fault: QueryFault }) {
  const text = useText().search;
  const characters = [...query];
  const at = fault.column - 1;
  return (
    <div id={id} class="query-fault" role="alert">
      {fault.column > 0 && query !== '' && (
        <pre aria-hidden="true">{printable(characters.slice(Math.max(0, at - 60), at).join(''))}<mark>{printable(characters[at] ?? ' ')}</mark>{printable(characters.slice(at + 1, at + 60).join(''))}</pre>
      )}
      <p><bdi>{printable(fault.detail)}</bdi>{fault.column > 0 && <span class="unseen"> {text.wrongAt(fault.column)}</span>}</p>
    </div>
  );
}
