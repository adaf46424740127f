import { describe, expect, it } from 'vitest';
import { conditionOf, withCondition } from './condition';

describe('conditionOf', () => {
  for (const [field, value, want] of [
    ['service.name', 'bank', 'service:bank'],
    ['span.name', 'POST /buy', 'operation:"POST /buy"'],
    ['labels.order.id', '42', 'label.order.id:42'],
    ['labels.__proto__', 'x', 'label.__proto__:x'],
    ['labels.a b', 'x', null],
    ['labels.a:b', 'x', null],
    ['labels.', 'x', null],
    ['constructor', 'x', null],
    ['span.id', '130b6168a70852f3', null],
    ['event.duration', '3459239', 'duration:3459239'],
    ['message', 'said "no" \\ left', String.raw`message:"said \"no\" \\ left"`],
    ['message', '---', null],
    ['message', '餘額不足', 'message:餘額不足'],
    ['service.name', 'a*', 'service:"a*"'],
    ['service.name', 'OR', 'service:"OR"'],
    ['service.name', '-x', 'service:"-x"'],
    ['service.name', '', 'service:""'],
    ['message', 'x'.repeat(257), null],
  ] as const) {
    it(`${field} ${value.slice(0, 20)} → ${want}`, () => expect(conditionOf(field, value)).toBe(want));
  }
});

describe('withCondition', () => {
  it('begins a query', () => expect(withCondition(' ', 'service:bank', false)).toBe('service:bank'));
  it('goes on with one', () => expect(withCondition('timeout ', 'service:bank', true)).toBe('timeout -service:bank'));
  it('says nothing twice', () => expect(withCondition('service:bank x', 'service:bank', false)).toBe('service:bank x'));
});
