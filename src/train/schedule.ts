export const SCHEDULES = { linear: linearSchedule, cosine: cosineSchedule } as const

export type ScheduleName = keyof typeof SCHEDULES

/**
 * Computes the learning rate of step t: it rises linearly to `peak` over the first `warmup` share of all steps, then falls linearly
 * to 0 after the last.
 */
export function linearSchedule(t: number, total: number, peak: number, warmup: number): number {
  const rise = Math.floor(total * warmup)
  if (t <= rise) return (peak * t) / rise
  return (peak * (total - t + 1)) / (total - rise)
}

/** Computes half a cosine from `peak` to 0 over all steps, times a linear rise over the first `warmup` share. */
function cosineSchedule(t: number, total: number, peak: number, warmup: number): number {
  const rise = Math.min(1, t / (total * warmup + 1))
  return peak * rise * 0.5 * (1 + Math.cos((Math.PI * t) / total))
}
