/** A number and the unit in which it reads best. */
export interface Rate {
  readonly digits: string;
  readonly unit: 'perSecond' | 'perMinute' | 'perHour';
}

export function readRate(perSecond: number): Rate {
  if (perSecond >= 1) return { digits: short(perSecond), unit: 'perSecond' };
  if (perSecond * 60 >= 1) return { digits: short(perSecond * 60), unit: 'perMinute' };
  return { digits: short(perSecond * 3600), unit: 'perHour' };
}

function short(n: number): string {
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)}M`;
  if (n >= 1e4) return `${Math.round(n / 1e3)}k`;
  return n >= 9.95 || n === 0 ? n.toFixed(0) : n.toFixed(1);
}
