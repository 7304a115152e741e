import { metricName, whole } from '../format.js'
import type { SectionMaker } from '../section.js'

/** The queries that gained and lost most, with what they find. */
export const changesSection: SectionMaker = ({ detail, wins, ties, losses, metric }) => {
  if (!detail || wins === undefined) return undefined
  const summary = `${metricName(metric)} is better for ${whole(wins)} queries, the same for ${whole(ties ?? 0)} and worse for ${whole(losses ?? 0)}.`
  const all = detail.wins.length + detail.losses.length
  return {
    id: 'changes',
    title: 'Wins and losses',
    blocks: [
      { type: 'text', text: all === 0 ? summary : `${summary} Those that changed most:` },
      ...(all === 0
        ? []
        : [{ type: 'changes', changes: [...detail.wins, ...detail.losses], title: 'Largest changes' } as const]),
    ],
  }
}
