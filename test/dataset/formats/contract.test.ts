import { DATASET_FORMATS, type DatasetFormatName } from '../../../src/dataset/formats/index.js'
import { datasetFormatContract, type FormatSamples } from '../../contracts/dataset-format.js'

const lines = (...values: unknown[]) => values.map(value => `${JSON.stringify(value)}\n`).join('')
const array = (...values: unknown[]) => `[\n${values.map(value => JSON.stringify(value)).join(',\n')}\n]\n`

const RECORDS = [
  { query: 'reset PIN', document: 'Open Settings.' },
  { query: 'reset PIN', document: 'Ask at a branch.', grade: 2 },
  { query: 'opening hours', document: 'From nine to five.' },
]
const JUDGED = {
  'reset PIN': { 'Open Settings.': 1, 'Ask at a branch.': 2 },
  'opening hours': { 'From nine to five.': 1 },
}
const [FIRST, , LAST] = RECORDS
const LEFT = { 'reset PIN': { 'Open Settings.': 1 }, 'opening hours': { 'From nine to five.': 1 } }
const WRONG = { query: 'no document' }

const llamaindex = (docs: unknown) => `{"queries": {"q": "reset PIN",
"r": "opening hours"},
"corpus": {"a": "Open Settings.", "b": "From nine to five.",
"c": ${JSON.stringify(docs)}},
"relevant_docs": {"q": ["a"], "r": ["b", "c"]}, "mode": "text"}
`
const beir = (third: unknown) => ({
  'corpus.jsonl': lines({ _id: 'a', text: 'Open Settings.' }, { _id: 'b', title: 'From nine', text: 'to five.' }),
  'queries.jsonl': lines({ _id: 'q', text: 'reset PIN' }, { _id: 'r', text: 'opening hours' }, third),
  'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq\ta\t2\nr\tb\t1\ns\ta\t1\n',
})
const squad = (question: unknown) =>
  JSON.stringify({
    data: [{ paragraphs: [{ context: 'Open Settings.', qas: [{ id: '1', question: 'reset PIN' }] }] }],
  }).replace(/\]\}$/, `,\n${JSON.stringify({ paragraphs: [{ context: 'From nine to five.', qas: [{ id: '2', question }] }] })}]}`)

/** Samples of the formats that are tested here; any other one has a test of its own. */
const SAMPLES: Readonly<Partial<Record<DatasetFormatName, FormatSamples>>> = {
  llamaindex: {
    valid: llamaindex('Every day.'),
    judged: { 'reset PIN': { 'Open Settings.': 1 }, 'opening hours': { 'From nine to five.': 1, 'Every day.': 1 } },
    broken: [
      { sample: llamaindex(7), at: ':4', problem: /"c" is the number 7/, left: LEFT },
      { sample: llamaindex(' '), at: ':4', problem: /"c" has no visible character/, left: LEFT },
    ],
  },
  beir: {
    valid: beir({ _id: 's', text: 'lost card' }),
    judged: {
      'reset PIN': { 'Open Settings.': 2 },
      'opening hours': { 'From nine to five.': 1 },
      'lost card': { 'Open Settings.': 1 },
    },
    broken: [
      {
        sample: beir({ _id: 's' }),
        at: '/queries.jsonl:3',
        problem: /the text of query "s" is missing/,
        left: { 'reset PIN': { 'Open Settings.': 2 }, 'opening hours': { 'From nine to five.': 1 } },
      },
    ],
  },
  squad: {
    valid: squad('opening hours'),
    judged: LEFT,
    broken: [
      {
        sample: squad(7),
        at: ':2',
        problem: /question is the number 7/,
        left: { 'reset PIN': { 'Open Settings.': 1 } },
      },
    ],
  },
  triplets: {
    valid: lines(['reset PIN', 'Open Settings.', 'Every day.'], ['opening hours', 'From nine to five.']),
    judged: { ...LEFT, 'reset PIN': { 'Open Settings.': 1, 'Every day.': 0 } },
    broken: [
      {
        sample: lines(['reset PIN', 'Open Settings.'], ['alone'], ['opening hours', 'From nine to five.']),
        at: ':2',
        problem: /is an array of 1/,
        left: LEFT,
      },
    ],
  },
  'search-log': {
    valid: lines(
      { query: 'reset PIN', clicked: ['Open Settings.'], shown: ['Every day.', 'Open Settings.'] },
      { query: 'opening hours', clicked: 'From nine to five.' },
    ),
    judged: { ...LEFT, 'reset PIN': { 'Open Settings.': 1, 'Every day.': 0 } },
    broken: [
      {
        sample: lines(
          { query: 'reset PIN', clicked: 'Open Settings.' },
          { query: '', clicked: 'Every day.' },
          { query: 'opening hours', clicked: 'From nine to five.' },
        ),
        at: ':2',
        problem: /the query is empty/,
        left: LEFT,
      },
    ],
  },
  json: {
    valid: array(...RECORDS),
    judged: JUDGED,
    broken: [{ sample: array(FIRST, WRONG, LAST), at: ':3', problem: /has no document/, left: LEFT }],
  },
  jsonl: {
    valid: lines(...RECORDS),
    judged: JUDGED,
    broken: [
      { sample: lines(FIRST, WRONG, LAST), at: ':2', problem: /has no document/, left: LEFT },
      { sample: `${lines(FIRST)}{"query":\n${lines(LAST)}`, at: ':2', problem: /is not JSON: column/, left: LEFT },
    ],
  },
  csv: {
    valid: `query,document,grade\n${RECORDS.map(r => `${r.query},"${r.document}",${r.grade ?? ''}\n`).join('')}`,
    judged: JUDGED,
    broken: [
      {
        sample: 'query,document\nreset PIN,Open Settings.\nx,y,z\nopening hours,From nine to five.\n',
        at: ':3',
        problem: /has 3 columns, expected 2/,
        left: LEFT,
      },
    ],
  },
  tsv: {
    valid: `query\tdocument\tgrade\n${RECORDS.map(r => `${r.query}\t${r.document}\t${r.grade ?? ''}\n`).join('')}`,
    judged: JUDGED,
    broken: [
      {
        sample: 'query\tdocument\nreset PIN\tOpen Settings.\nalone\t\nopening hours\tFrom nine to five.\n',
        at: ':3',
        problem: /has no document|the document is empty/,
        left: LEFT,
      },
    ],
  },
}

for (const format of DATASET_FORMATS) {
  const samples = SAMPLES[format.name]
  if (samples) datasetFormatContract(format, samples)
}
