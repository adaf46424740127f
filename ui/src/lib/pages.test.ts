import { expect, it } from 'vitest';
import { pagesAround } from './pages';

const f = (name: string, from: number, until: number, at: number, want: readonly [number, number]): void =>
  it(name, () => expect(Object.values(pagesAround({ from, until }, at, 1000, 100))).toEqual(want));

f('stays where nothing has to be seen', 0, 100, -1, [0, 100]);
f('stays where that is seen', 100, 300, 200, [100, 300]);
f('goes on by a page', 0, 100, 100, [0, 200]);
f('goes back by a page', 500, 700, 499, [400, 700]);
f('leaps', 0, 100, 870, [750, 950]);
f('leaps to the end', 0, 100, 999, [850, 1050]);
f('leaps to the beginning', 850, 1000, 3, [0, 200]);
it('leaves room for what is added to a short list', () => expect(pagesAround({ from: 0, until: 100 }, -1, 7, 100)).toEqual({ from: 0, until: 100 }));
it('leaves room in an empty list', () => expect(pagesAround({ from: 0, until: 100 }, -1, 0, 100)).toEqual({ from: 0, until: 100 }));
