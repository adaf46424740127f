/** Hues that tell services apart, and stay readable on both themes by the stylesheet's lightness. */
const HUES = [222, 28, 160, 300, 95, 190, 345, 55, 260, 130, 10, 205] as const;

/** A hue, in degrees, that a name always has. Names may share one: a colour never says anything alone. */
export function hueOf(name: string): number {
  let hash = 2166136261; // FNV-1a
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  return HUES[(hash >>> 0) % HUES.length] ?? 222;
}
