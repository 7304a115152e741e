import { PAIRS } from './options.mjs'
import { median } from './statistics.mjs'

/**
 * Measures contestants in turns, A B A B, and gives each a row with its medians.
 *
 * @param {{ engine: string, batch: number, measure(seconds: number): Promise<{ msPerStep: number, epochEndMs?: number }> }[]}
 *   contestants
 * @param {{ dim: number, pool?: number }} size
 * @param {import('./run.mjs').Context} context
 */
export async function compare(contestants, size, { options, progress, hurry, note }) {
  const measured = new Map(contestants.map(contestant => [contestant, []]))
  for (let round = 0; round < options.rounds; round++) {
    if (round > 0 && hurry()) break
    for (const contestant of contestants) {
      const where = Object.entries({ ...size, batch: contestant.batch }).map(([name, value]) => `${name} ${value}`)
      progress(`${contestant.engine}, ${where.join(', ')}, round ${round + 1}`)
      try {
        measured.get(contestant)?.push(await contestant.measure(options.seconds))
      } catch (error) {
        note(`${contestant.engine}, ${where.join(', ')}: ${error.message}`)
        measured.delete(contestant)
        contestants = contestants.filter(c => c !== contestant)
      }
    }
  }
  return [...measured].map(([{ engine, batch }, rounds]) => {
    const msOfRounds = rounds.map(r => r.msPerStep)
    const ends = rounds.flatMap(r => r.epochEndMs ?? [])
    const msPerStep = median(msOfRounds)
    return {
      bench: 'train',
      engine,
      pairs: PAIRS,
      ...size,
      batch,
      msPerStep,
      secondsPerEpoch: (msPerStep * Math.ceil(PAIRS / batch)) / 1000,
      epochEndMs: ends.length > 0 ? median(ends) : undefined,
      msOfRounds,
    }
  })
}
