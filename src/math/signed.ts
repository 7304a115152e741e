/** 0.04 -> "+0.0400", as differences of metrics are written. */
export function signed(x: number): string {
  return `${x < 0 ? '-' : '+'}${Math.abs(x).toFixed(4)}`
}
