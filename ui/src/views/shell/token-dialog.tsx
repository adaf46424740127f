import { useEffect, useRef, useState } from 'preact/hooks';
import { isToken } from '../../state/token';
import { Icon } from './icons';
import { useShell, useText } from './shell';

/** Asks for a token above whatever is shown; the view behind it stays, and asks again with the token. */
export function TokenDialog() {
  const { session } = useShell();
  const text = useText().shell.token;
  const dialog = useRef<HTMLDialogElement>(null);
  const [value, setValue] = useState('');
  const [malformed, setMalformed] = useState(false);
  const wanted = session.wanted.value;
  useEffect(() => {
    if (wanted === null) dialog.current?.close();
    else if (dialog.current?.open === false) dialog.current.showModal();
  }, [wanted]);

  const submit = (event: Event): void => {
    event.preventDefault();
    const token = value.trim();
    setMalformed(!isToken(token));
    if (!isToken(token)) return;
    setValue('');
    session.authorize(token);
  };
  const fault = malformed ? text.malformed : wanted?.refused === true ? text.refused : '';

  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="token-title">
      <h2 id="token-title"><Icon name="lock" /> {text.title}</h2>
      <p>{text.body}</p>
      <form class="token" noValidate onSubmit={submit}>
        <label for="token">{text.label}</label>
        <div>
          <input
            id="token"
            type="password"
            value={value}
            autocomplete="off"
            spellcheck={false}
            aria-invalid={fault !== ''}
            aria-describedby="token-fault"
            onInput={(event) => setValue(event.currentTarget.value)}
          />
          <button type="submit">{text.submit}</button>
        </div>
        <p id="token-fault" role="alert">{fault}</p>
      </form>
    </dialog>
  );
}
