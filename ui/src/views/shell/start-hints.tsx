import { useText } from './shell';
import { useTitle } from './title';

export function StartHints() {
  const text = useText().shell;
  useTitle('');
  return (
    <section class="hints" aria-labelledby="hints-title">
      <h2 id="hints-title">{text.start.hintsTitle}</h2>
      <dl>
        {text.start.hints.map(({ where, what, example }) => (
          <div key={where}>
            <dt>{where}</dt>
            <dd>{what} <code>{example}</code></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
