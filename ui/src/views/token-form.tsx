import { useEffect, useRef, useState } from 'preact/hooks';
import { text } from '../lib/text';
import { isToken } from '../state/token';
import { Icon } from './icons';

export function TokenForm({ refused, onToken }: { readonly refused: boolean; readonly onToken: (token: string) => void }) {
  const [value, setValue] = useState('');
  const [malformed, setMalformed] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);

  const submit = (event: Event): void => {
    event.preventDefault();
    const token = value.trim();
    setMalformed(!isToken(token));
    if (isToken(token)) onToken(token);
  };
  const fault = malformed ? text.token.malformed : refused ? text.token.refused : '';

  return (
    <section class="sheet notice" aria-labelledby="notice-title">
      <span class="seal"><Icon name="lock" /></span>
      <div>
        <h1 id="notice-title">{text.token.title}</h1>
        <p>{text.token.body}</p>
        <form class="token" noValidate onSubmit={submit}>
          <label for="token">{text.token.label}</label>
          <div>
            <input
              ref={input}
              id="token"
              type="password"
              value={value}
              autocomplete="off"
              spellcheck={false}
              aria-invalid={fault !== ''}
              aria-describedby="token-fault"
              onInput={(event) => setValue(event.currentTarget.value)}
            />
            <button type="submit">{text.token.submit}</button>
          </div>
          <p id="token-fault" role="alert">{fault}</p>
        </form>
      </div>
    </section>
  );
}
