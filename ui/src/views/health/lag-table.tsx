export function LagTable() { return null; }
