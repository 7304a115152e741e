import type { SectionMaker } from '../section.js'

/** The command and what it ran on. */
export const reproduceSection: SectionMaker = ({ reproduce: { command, versions, date } }) => ({
  id: 'reproduce',
  title: 'Reproduce',
  blocks: [
    { type: 'code', text: command },
    {
      type: 'table',
      table: { caption: 'Versions', head: ['what', 'version'], rows: [...versions, ['date', date]], words: 2 },
    },
  ],
})
