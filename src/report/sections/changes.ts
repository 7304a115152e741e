import { metricName, whole } from '../format.js'
import type { SectionMaker } from '../section.js'

/** The queries that gained and lost most, with what they find. */
export const changesSection: SectionMaker = ({ detail, wins, ties, losses, metric, documentText }) => {
  if (!detail || wins === undefined) return undefined
  const summary = `${metricName(metric)} is better for ${whole(wins)} queries, the same for ${whole(ties ?? 0)} and worse for ${whole(losses ?? 0)}.`
  const items = [...detail.wins, ...detail.losses]
  const changes = { items, depth: detail.ranks.depth, documentText }
  return {
    id: 'changes',
    title: 'Wins and losses',
    blocks: [
      { type: 'text', text: items.length === 0 ? summary : `${summary} Those that changed most:` },
      ...(items.length === 0 ? [] : [{ type: 'changes', changes } as const]),
    ],
  }
}
