import { useShell, useText } from './shell';

/** Says that the server is gone for as long as it is. */
export function Away() {
  const { session } = useShell();
  const text = useText().shell.away;
  return (
    <div class="away-banner" role="status">
      {session.away.value && <p>{text.banner} <button type="button" class="quiet" onClick={session.retry}>{text.again}</button></p>}
    </div>
  );
}
