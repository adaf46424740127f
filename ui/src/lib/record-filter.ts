import { conditionOf } from './query/condition';

/** Which records of a journey are shown; empty is all. */
export interface RecordFilter {
  /** Those of this level and worse. */
  readonly level: '' | 'warn' | 'error';
  readonly service: string;
  /** What a person typed, in the query language. */
  readonly words: string;
  /** ID of a hop. */
  readonly hop: string;
}

export const levels = ['', 'warn', 'error'] as const;

/** The filter as the query language says it, but for the hop. */
export function queryOfFilter({ level, service, words }: RecordFilter): string {
  const conditions = [
    service === '' ? null : conditionOf('service.name', service),
    level === '' ? null : `level>=${level}`,
    // Behind the others in parentheses, so that an OR of theirs does not reach them.
    words.trim() === '' ? null : /\bOR\b/.test(words) && (service !== '' || level !== '') ? `(${words.trim()})` : words.trim(),
  ];
  return conditions.filter((condition) => condition !== null).join(' ');
}

export function isAll({ level, service, words, hop }: RecordFilter): boolean {
  return level === '' && service === '' && words.trim() === '' && hop === '';
}
