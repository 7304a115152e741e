import { type Adapter, outputDimensions } from '../../adapters/adapter.js'
import type { TermsFacts } from '../../adapters/terms.js'
import type { Difference } from '../../evaluate/compare.js'
import { isObject } from '../../json.js'
import { change, escapeMarkdown, interval, metricName, optionWords, pValue, score, whole } from '../../report/format.js'
import type { Format } from '../format.js'

/** A model card: what the adapter file says of itself, in Markdown for people. Nothing is read back from it. */
export const card: Format = {
  types: ['F32'],
  ending: '.md',
  describes: true,
  encode: (adapter, _type, terms) => Buffer.from(cardOf(adapter, terms)),
}

type Facts = Readonly<Record<string, unknown>>
type Scores = Readonly<Record<string, number>>

/** Metrics of an adapter file; those of a rejected adapter stand apart, as the base's are reported in its place. */
interface Measured {
  readonly base?: Scores
  readonly adapted?: Scores
  readonly rejected?: Scores
  readonly split?: string
}

function cardOf(adapter: Adapter, terms: TermsFacts | undefined): string {
  const { kind, base, index, training } = adapter
  const pca = base.provider?.pca?.shape.toReversed().join(' to ')
  const { tool = 'another program', date = 'an unknown day', data = {}, options = {} } = training
  const outputs = outputDimensions(adapter)
  const sizes = outputs === base.dimensions ? `${outputs} dimensions` : `${base.dimensions} to ${outputs} dimensions`
  const parts = [
    `# Query adapter for ${escapeMarkdown(base.id)}`,
    `A ${kind} adapter of ${sizes} for the vectors of **queries**. Documents and their index stay as they are. ` +
      `Written by ${escapeMarkdown(tool)} on ${date.slice(0, 10)}.`,
    '## Base model',
    listOf({ id: base.id, ...base.provider, pca, dimensions: base.dimensions, 'unit length': base.normalized, index: index?.id }),
    '## Data',
    listOf(Object.fromEntries(Object.entries(data).map(([part, facts]) => [part, words(facts)]))),
    '## Recipe',
    escapeMarkdown(optionWords(options)),
    ...(terms ? [termsText(terms)] : []),
    '## Results',
    ...resultsOf(adapter),
    '## Limits',
    limitsOf(adapter, terms)
      .map(limit => `- ${limit}`)
      .join('\n'),
    '## Use it',
    usage(base.id, terms !== undefined),
  ]
  return `${parts.join('\n\n')}\n`
}

function listOf(facts: Facts): string {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== '')
  const shown = (value: unknown) => escapeMarkdown(isObject(value) ? JSON.stringify(value) : String(value))
  return known.map(([name, value]) => `- ${name}: ${shown(value)}`).join('\n')
}

/** `{ queries: 7, pairs: 9 }` -> "7 queries, 9 pairs" */
function words(facts: unknown): unknown {
  if (typeof facts !== 'object' || facts === null) return facts
  return Object.entries(facts)
    .map(([name, value]) => `${typeof value === 'number' ? whole(value) : value} ${name}`)
    .join(', ')
}

function termsText({ source, alpha, corpus }: TermsFacts): string {
  return `Text terms mix the words of a query into its vector: source ${source}, alpha ${alpha}, made from ${whole(Number(corpus.documents))} documents.`
}

function resultsOf({ training: { metrics = {}, difference, gate } }: Adapter): string[] {
  const { base, rejected, adapted: saved, split }: Measured = metrics
  const adapted = rejected ?? saved
  const verdict = (gate as { reason?: string } | undefined)?.reason
  const lines = verdict === undefined ? [] : [`Gate (cross-validation on the training data): ${escapeMarkdown(verdict)}.`]
  if (!base || !adapted) return ['Nothing was held out, so that no figure shows what the adapter gains.', ...lines]
  const known = Object.keys(adapted).filter(metric => Object.hasOwn(base, metric))
  const rows = known.map(metric => {
    const d = rejected ? undefined : (difference as Readonly<Record<string, Difference>> | undefined)?.[metric]
    const isWhole = d && ['mean', 'low', 'high', 'p'].every(name => Object.hasOwn(d, name))
    const figures = isWhole ? [change(d.mean), interval(d), pValue(d.p)] : [change(adapted[metric] - base[metric]), '', '']
    return `| ${[metricName(metric), score(base[metric]), score(adapted[metric]), ...figures].join(' | ')} |`
  })
  const head = '| metric | base | adapted | difference | 95% CI | p-value |\n|---|--:|--:|--:|--:|--:|'
  return [`Measured on: ${split}.`, [head, ...rows].join('\n'), ...lines]
}

function limitsOf({ base, training }: Adapter, terms: TermsFacts | undefined): string[] {
  const { metrics = {}, gate, interrupted } = training
  return [
    `It fits vectors of ${escapeMarkdown(base.id)} alone; those of another model become noise.`,
    'The gain holds for queries like those of training; `adapter-train drift` measures how many of yours are. On documents without training ' +
      'queries it is usually smaller.',
    'It cannot restore what the base model discards, such as part numbers: use lexical or hybrid search for these.',
    'Its result is not of unit length: compare by cosine.',
    ...(metrics.split === 'validation' ? ['The validation set took part in the choice: its figures may be flattering.'] : []),
    ...((gate as { passed?: boolean } | undefined)?.passed === false ? ['**The gate did not pass it.**'] : []),
    ...(interrupted === undefined ? [] : ['**Training was interrupted.**']),
    ...(terms?.proven === false ? ['No labels have shown that its text terms help.'] : []),
  ]
}

function usage(baseId: string, hasTerms: boolean): string {
  const model = baseId.replace(/^[^/]*\//, '').replace(/@\d+$/, '')
  const block = (title: string, language: string, code: string) => `${title}:\n\n\`\`\`${language}\n${code}\n\`\`\``
  const clients = [
    block(
      'Node.js',
      'ts',
      `import { openEmbedder } from 'adapter-train'

const embedder = await openEmbedder('adapter.json')
const query = await embedder.embedQuery('how do I reset my card PIN?')`,
    ),
    block(
      'LangChain.js, with the embeddings of your base model',
      'ts',
      `import { adaptEmbeddings } from 'adapter-train/langchain'

const adapted = adaptEmbeddings(embeddings, 'adapter.json')`,
    ),
    block(
      'AI SDK, with your base model',
      'ts',
      `import { queryEmbeddingModel } from 'adapter-train/ai-sdk'

const queryModel = queryEmbeddingModel(documentModel, 'adapter.json')`,
    ),
    block(
      `Any client of OpenAI's API, beside \`adapter-train serve --adapter adapter.json\``,
      'python',
      `from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="none")
client.embeddings.create(model="${model}:query", input="how do I reset my card PIN?")`,
    ),
  ]
  const python = block(
    'NumPy, after `adapter-train convert adapter.json adapter.safetensors` (linear adapters)',
    'python',
    `from safetensors.numpy import load_file

adapter = load_file("adapter.safetensors")
adapted = adapter["W"] @ query + adapter["b"]`,
  )
  return [...clients, ...(hasTerms ? [] : [python])].join('\n\n')
}
