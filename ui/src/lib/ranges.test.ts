import { expect, it } from 'vitest';
import { formatRanges } from './ranges';

const reads = (numbers: number[], want: string) => it(`[${numbers}] → ${want}`, () => expect(formatRanges(numbers)).toBe(want));

reads([], '');
reads([4], '4');
reads([3, 4, 5, 9], '3–5, 9');
reads([1, 3, 5], '1, 3, 5');
reads([7, 8], '7–8');
