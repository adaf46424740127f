import { describe, expect, it } from 'vitest';
import { foldedAxis, placeOf, straightAxis, timeAt } from './axis';

const MS = 1e6;
const HOUR = 3600e9;
const of = (...runs: readonly (readonly [number, number])[]): readonly [Float64Array, Float64Array] => [Float64Array.from(runs, ([from]) => from), Float64Array.from(runs, ([, to]) => to)];

describe('foldedAxis', () => {
  it('takes a few of a hundred parts for three hours in which nothing runs', () => {
    const axis = foldedAxis(...of([0, 40 * MS], [3 * HOUR, 3 * HOUR + 60 * MS]), 3 * HOUR + 60 * MS);
    expect(axis.breaks).toEqual([{ from: 40 * MS, to: 3 * HOUR, running: false }]);
    const [a, b] = [placeOf(axis, 40 * MS), placeOf(axis, 3 * HOUR)];
    expect(a).toBe(40 * MS);
    expect((b - a) / axis.length).toBeCloseTo(0.043, 3);
    expect(axis.length - b).toBeCloseTo(60 * MS, -1);
  });

  it('leads back from places to times', () => {
    const axis = foldedAxis(...of([0, 40 * MS], [HOUR, HOUR + MS], [2 * HOUR, 2 * HOUR + 60 * MS]), 2 * HOUR + 60 * MS);
    expect(axis.breaks).toHaveLength(2);
    for (const time of [0, 20 * MS, 40 * MS, HOUR / 2, HOUR + MS, 1.5 * HOUR, 2 * HOUR + 30 * MS]) expect(timeAt(axis, placeOf(axis, time))).toBeCloseTo(time, -3);
  });

  it('leaves short waits as they are', () => expect(foldedAxis(...of([0, 40 * MS], [44 * MS, 80 * MS]), 80 * MS)).toEqual(straightAxis(80 * MS)));

  it('does not fold what runs, however long', () => expect(foldedAxis(...of([0, 40e9], [0, MS]), 40e9).breaks).toEqual([]));

  it('folds a hole that only something open spans, and says that it ran', () => {
    const axis = foldedAxis(...of([0, 3 * HOUR], [0, 50 * MS], [3 * HOUR - 50 * MS, 3 * HOUR]), 3 * HOUR);
    expect(axis.breaks).toEqual([{ from: 50 * MS, to: 3 * HOUR - 50 * MS, running: true }]);
  });

  it('gives many breaks no more than a part of the whole', () => {
    const runs = Array.from({ length: 100 }, (_, i) => [i * HOUR, i * HOUR + MS] as const);
    const axis = foldedAxis(...of(...runs), 99 * HOUR + MS);
    expect(axis.breaks).toHaveLength(99);
    expect((axis.length - 100 * MS) / (100 * MS)).toBeLessThan(0.41);
  });

  it('folds no more of many pauses than the eye needs', () => {
    const runs = Array.from({ length: 60 }, (_, i) => [i * 14 * MS, i * 14 * MS + 10 * MS] as const);
    const axis = foldedAxis(...of(...runs, [HOUR, HOUR + MS]), HOUR + MS);
    expect(axis.breaks).toEqual([{ from: 59 * 14 * MS + 10 * MS, to: HOUR, running: false }]);
  });

  it('tells instants apart', () => {
    const axis = foldedAxis(...of([0, 0], [HOUR, HOUR], [2 * HOUR, 2 * HOUR]), 2 * HOUR);
    expect([placeOf(axis, 0), placeOf(axis, HOUR) / axis.length, placeOf(axis, 2 * HOUR) / axis.length].map((place) => Math.round(place * 100) / 100)).toEqual([0, 0.5, 1]);
  });

  it('stands a journey without length', () => expect(foldedAxis(...of([0, 0]), 0).length).toBe(1));
});
