/** Reads decoded JSON that may be of any shape: what is missing or of a wrong type becomes empty or null. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function object(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

// Go writes an empty slice as null.
export function list<T>(value: unknown, decode: (o: JsonObject) => T): T[] {
  return Array.isArray(value) ? value.map((item) => decode(object(item))) : [];
}

export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

export function count(value: unknown): number {
  return number(value) ?? 0;
}

export function oneOf<T extends string>(value: unknown, known: readonly T[], otherwise: T): T {
  return known.find((word) => word === value) ?? otherwise;
}
