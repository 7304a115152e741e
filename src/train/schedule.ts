/** How the learning rate changes over a run. */
export const SCHEDULES = { linear: linearSchedule, cosine: cosineSchedule } as const

export type ScheduleName = keyof typeof SCHEDULES

/**
 * Learning rate of step t: rises linearly to `peak` over the first `warmup` share of all steps, then falls linearly; the step
 * after the last would have 0.
 *
 * @param t step, from 1
 * @param total number of steps
 * @param warmup share of the steps, 0 to 1
 */
export function linearSchedule(t: number, total: number, peak: number, warmup: number): number {
  const rise = Math.floor(total * warmup)
  if (t <= rise) return (peak * t) / rise
  return (peak * (total - t + 1)) / (total - rise)
}

/**
 * Learning rate of step t: half a cosine from `peak` to 0 over all steps, times a linear rise over the first `warmup` share.
 * Parameters as in {@link linearSchedule}.
 */
function cosineSchedule(t: number, total: number, peak: number, warmup: number): number {
  const rise = Math.min(1, t / (total * warmup + 1))
  return peak * rise * 0.5 * (1 + Math.cos((Math.PI * t) / total))
}
