import { faq } from '../../src/dataset/formats/faq.js'
import { datasetFormatContract } from '../contracts/dataset-format.js'

const FIRST = 'Q: reset PIN\nQ: forgot my PIN\nA: Open Settings.\n'
const judged = { 'reset PIN': { 'Open Settings.': 1 }, 'forgot my PIN': { 'Open Settings.': 1 } }

datasetFormatContract(faq, {
  valid: `${FIRST}\nQ: opening hours\nA: From nine to five.\n`,
  judged: { ...judged, 'opening hours': { 'From nine to five.': 1 } },
  broken: [
    { sample: `${FIRST}\nopening hours?\n`, at: ':5', problem: /is neither a question/, left: judged },
    { sample: `${FIRST}A: Or ask us.\n`, at: ':4', problem: /is neither a question/, left: judged },
    { sample: `${FIRST}\nQ: opening hours\n`, at: ':5', problem: /has no answer/, left: judged },
  ],
})
