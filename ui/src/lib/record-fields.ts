import type { RawRecord } from './record';

export interface RecordField {
  /** As the record has it; what is nested goes by `labels.order.id`. */
  readonly name: string;
  readonly value: string;
}

/** All fields of a record, in the order in which they were written. */
export function recordFields(raw: RawRecord): readonly RecordField[] {
  return fieldsIn(raw, '', 0);
}

const DEEPEST = 4;

function fieldsIn(o: Readonly<Record<string, unknown>>, prefix: string, depth: number): RecordField[] {
  return Object.entries(o).flatMap(([key, value]) => {
    const name = prefix + key;
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < DEEPEST) {
      return fieldsIn(value as Readonly<Record<string, unknown>>, `${name}.`, depth + 1);
    }
    return [{ name, value: typeof value === 'string' ? value : JSON.stringify(value) }];
  });
}
