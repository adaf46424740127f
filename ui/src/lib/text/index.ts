import { alerts } from './alerts';
import { health } from './health';
import { journey } from './journey';
import type { Language } from './language';
import { map } from './map';
import { record } from './record';
import { search } from './search';
import { shell } from './shell';
import { tail } from './tail';
import { timeline } from './timeline';

/** All text of the page. Each catalogue has it in every language, and the compiler sees that none is missing. */
export type Text = {
  readonly shell: typeof shell.en;
  readonly journey: typeof journey.en;
  readonly timeline: typeof timeline.en;
  readonly record: typeof record.en;
  readonly search: typeof search.en;
  readonly tail: typeof tail.en;
  readonly map: typeof map.en;
  readonly health: typeof health.en;
  readonly alerts: typeof alerts.en;
};

export function textIn(language: Language): Text {
  return {
    shell: shell[language],
    journey: journey[language],
    timeline: timeline[language],
    record: record[language],
    search: search[language],
    tail: tail[language],
    map: map[language],
    health: health[language],
    alerts: alerts[language],
  };
}
