import { describe, expect, it } from 'vitest';
import { recordFields } from './record-fields';
import { parseRecord, readRecordKey, recordKey } from './record';

describe('a record’s key', () => {
  const time = '2026-11-23T13:05:09.042000001Z';
  it('is its ID where its service numbers records', () => expect(recordKey({ 'event.id': 'n-7', 'event.sequence': 7, '@timestamp': time })).toBe('n-7'));
  it('has its time where not', () => expect(recordKey({ 'event.id': 'otlp-x', '@timestamp': time })).toBe(`otlp-x@${time}`));
  it('is empty without an ID', () => expect(recordKey({ '@timestamp': time })).toBe(''));
  it('is read as it was written', () => {
    expect(readRecordKey('n-7')).toEqual({ id: 'n-7', at: '' });
    expect(readRecordKey(`otlp-x@${time}`)).toEqual({ id: 'otlp-x', at: time });
    expect(readRecordKey('me@home-7')).toEqual({ id: 'me@home-7', at: '' });
  });
});

it('reads a record of the wrong shape as an empty one', () =>
  expect(parseRecord({ '@timestamp': 7, message: [], 'span.kind': 'queue', labels: 'x' })).toMatchObject({ id: '', time: null, message: '', span: null, labels: [] }));

it('lists fields as they were written, nested ones by their path', () =>
  expect(recordFields(JSON.parse('{"message":"m","labels":{"__proto__":"p","n":1},"list":[1,"a"],"nothing":null}') as Record<string, unknown>)).toEqual([
    { name: 'message', value: 'm' },
    { name: 'labels.__proto__', value: 'p' },
    { name: 'labels.n', value: '1' },
    { name: 'list', value: '[1,"a"]' },
    { name: 'nothing', value: 'null' },
  ]));
