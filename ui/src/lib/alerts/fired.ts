/** How often a rule has fired, as far as is kept. */
export interface Fired {
  readonly now: number;
  readonly past: number;
}

/** By rule; rules that never fired are not in it. */
export function firedByRule(current: readonly { readonly rule: string; readonly status: string }[], past: readonly { readonly rule: string }[]): ReadonlyMap<string, Fired> {
  const out = new Map<string, Fired>();
  const add = (rule: string, now: number, over: number): void => {
    const old = out.get(rule) ?? { now: 0, past: 0 };
    out.set(rule, { now: old.now + now, past: old.past + over });
  };
  for (const { rule, status } of current) if (status === 'firing') add(rule, 1, 0);
  for (const { rule } of past) add(rule, 0, 1);
  return out;
}
