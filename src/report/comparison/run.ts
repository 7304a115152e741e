import { whole } from '../format.js'
import type { Block, SectionMaker } from '../section.js'
import type { ComparisonReport } from './comparison.js'

/** The data, the candidates' bases and adapters, and what embedding took. */
export const runSection: SectionMaker<ComparisonReport> = ({ comparison, facts }) => {
  const { data, candidates, embedding, engine, engineDescription, engineReason, seed } = comparison
  const blocks: Block[] = [
    {
      type: 'table',
      table: {
        caption: 'Candidates',
        head: ['candidate', 'base', 'adapter'],
        rows: candidates.map(({ name, base, adapter }) => [name, base, adapter ?? 'none']),
        words: 3,
      },
    },
    {
      type: 'table',
      table: {
        caption: 'Facts of the run',
        head: ['fact', 'value'],
        rows: [
          [
            'data',
            `${data.name}: ${whole(data.queries)} queries, ${whole(data.pairs)} pairs, ${whole(data.documents)} documents`,
          ],
          ...embedding.map(({ base, hits, misses, requests, tokens }) => [
            `embedded by ${base}`,
            `${whole(misses)} texts in ${whole(requests)} requests, ${whole(tokens)} tokens; ${whole(hits)} from the cache`,
          ]),
          ['engine', `${engine}${engineDescription ? ` (${engineDescription})` : ''}: ${engineReason}`],
          ['seed of the resampling', String(seed)],
          ...facts,
        ],
        words: 2,
      },
    },
  ]
  return { id: 'data', title: 'Data and run', blocks }
}
