import type { Report } from '../report.js'
import type { SectionMaker } from '../section.js'

/** The command and what it ran on. */
export const reproduceSection: SectionMaker<Pick<Report, 'reproduce'>> = ({
  reproduce: { command, versions, date },
}) => ({
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
