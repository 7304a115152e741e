// The tables of bench/real/results.json, as docs/real-models.md prints them.

/** Rows in the order of the table: what they are, what has to be embedded again, what runs at query time. */
export const ROWS = {
  base: ['base model', 'nothing', 'the model'],
  bm25: ['BM25', 'nothing', 'a search by words'],
  rrf: ['reciprocal rank fusion', 'nothing', 'the model, a search by words, a fusion'],
  hybrid: ['tuned hybrid', 'nothing', 'the model, a search by words, a fusion'],
  'ours-none': ['adapter-train without labels', 'nothing', 'the model, a look-up of words'],
  'ours-linear': ['adapter-train, linear', 'nothing', 'the model, one d x d product'],
  ours: ['adapter-train, text terms auto', 'nothing', 'the model, one d x d product, a look-up of words if chosen'],
  'llamaindex-linear': ['LlamaIndex linear, as documented', 'nothing', 'the model, one d x d product'],
  'llamaindex-linear-tuned': ['LlamaIndex linear, tuned', 'nothing', 'the model, one d x d product'],
  'llamaindex-two-layer': ['LlamaIndex two layers, as documented', 'nothing', 'the model, two products of d x 1,024'],
  'santander-recipe': ["SantanderAI's documented recipe, re-created", 'nothing', 'the model, one d x d product'],
  torch: ['PyTorch loop by hand, tuned', 'nothing', 'the model, one d x d product'],
  'query-tower': ['fine-tuning for queries alone', 'nothing', 'the fine-tuned model'],
  'both-towers': ['full fine-tuning', 'every document', 'the fine-tuned model'],
}

const figure = ({ mean, low, high }) => `${mean.toFixed(4)} (${low.toFixed(3)} to ${high.toFixed(3)})`

/** Lines of Markdown for one model on one set. */
export function tableOf({ rows }, model, set) {
  const found = rows.filter(row => row.model === model && row.set === set)
  const lines = Object.entries(ROWS).flatMap(([id, [name, again, atQuery]]) => {
    const row = found.find(each => each.row === id)
    if (!row) return []
    const seconds = row.cpuSeconds === undefined ? '-' : row.cpuSeconds.toFixed(1)
    return [`| ${name} | ${figure(row['ndcg@10'])} | ${figure(row['hit@5'])} | ${seconds} | ${again} | ${atQuery} |`]
  })
  return [
    '| | nDCG@10 (95% CI) | hit@5 (95% CI) | CPU seconds | embedded again | at query time |',
    '|---|--:|--:|--:|---|---|',
    ...lines,
  ]
}

/** Every model and set with a row, models and sets in the order of the command. */
export function pairsOf({ rows }) {
  const pairs = [...new Set(rows.map(({ model, set }) => `${model}/${set}`))]
  const place = pair => ORDER.findIndex(name => pair.endsWith(`/${name}`))
  return pairs
    .sort((a, b) => Number(a > b) - Number(a < b))
    .sort((a, b) => (a.split('/')[0] === b.split('/')[0] ? place(a) - place(b) : 0))
    .map(pair => pair.split('/'))
}

const ORDER = ['finance10k', 'banking77', 'nl2bash', 'cranfield']

/** Columns of the short table. */
const SUMMARY = {
  base: 'base',
  'llamaindex-linear': 'LlamaIndex linear',
  torch: 'PyTorch loop, tuned',
  'ours-linear': 'adapter-train, linear',
  ours: 'adapter-train, default',
  hybrid: 'tuned hybrid',
  'both-towers': 'full fine-tuning',
}

/** The short table of README.md and docs/how-it-compares.md: nDCG@10, the best of a row in bold, what the gate rejects with an asterisk. */
export function summaryOf(results) {
  const used = Object.keys(SUMMARY).filter(id => results.rows.some(({ row }) => row === id))
  const lines = pairsOf(results).map(([model, set]) => {
    const of = id => results.rows.find(row => row.model === model && row.set === set && row.row === id)
    const best = Math.max(...used.map(id => of(id)?.['ndcg@10'].mean ?? 0))
    const cells = used.map(id => {
      const row = of(id)
      if (!row) return ''
      const { mean } = row['ndcg@10']
      const text = `${mean.toFixed(3)}${row.gate === false ? '*' : ''}`
      return mean === best ? `**${text}**` : text
    })
    return `| ${set}, ${model} | ${cells.join(' | ')} |`
  })
  return [
    `| dataset, model | ${used.map(id => SUMMARY[id]).join(' | ')} |`,
    `|---|${used.map(() => '--:').join('|')}|`,
    ...lines,
  ].join('\n')
}

/** The tables of docs/real-models.md: a section per model and set, versions, and what was not run. */
export function sectionsOf(results) {
  const { packages, machine, date, models } = results
  const parts = pairsOf(results).map(([model, set]) => {
    const { texts, parity } = models.find(each => each.model === model && each.set === set)
    const rows = results.rows.filter(row => row.model === model && row.set === set)
    const run = rows.map(({ row }) => row)
    const left = Object.entries(ROWS).flatMap(([id, [name]]) => (run.includes(id) ? [] : [name]))
    const rejected = rows.filter(({ gate }) => gate === false).map(({ row }) => ROWS[row][0])
    return [
      `## ${model} on ${set}`,
      '',
      ...tableOf(results, model, set),
      '',
      `${texts.toLocaleString('en-GB')} texts; least cosine with sentence-transformers ${parity.leastCosine.toFixed(6)} over ${parity.texts} texts.`,
      ...(rejected.length > 0 ? [`Rejected by the gate, so that the base model stays in use: ${rejected.join(', ')}.`] : []),
      ...(left.length > 0 ? [`Not run: ${left.join(', ')}.`] : []),
      '',
    ].join('\n')
  })
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  const on = `${machine.cpu}, PyTorch with ${machine.threads === 1 ? 'one thread' : `${machine.threads} threads`}, Node.js ${machine.node.slice(1)}`
  return `${parts.join('\n')}\n## Versions\n\n${date}; ${on}; ${versions.join(', ')}.`
}
