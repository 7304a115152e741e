import { kebab } from '../../kebab.js'
import type { EmbeddedTrainingReport } from '../../pipeline/embedded-training-report.js'
import type { Proof } from '../../pipeline/proof.js'
import { commandLine, withoutCredentials } from '../command-line.js'
import type { ProviderArgs } from '../options/provider-options.js'
import type { NextStep } from './console.js'

/** Options that say which embedding space is meant; the others are how to get there. */
const SPACE = [
  ...(['base', 'model', 'dimensions', 'baseUrl', 'baseId', 'dtype', 'pooling', 'normalize', 'queryPrefix'] as const),
  ...(['documentPrefix', 'revision'] as const),
]

type BaseArgs = ProviderArgs & { readonly base: string; readonly vectors?: string }
type Found = Pick<EmbeddedTrainingReport, 'gate' | 'metrics' | 'data' | 'interrupted' | 'kFold' | 'bestEpoch' | 'kind'>

/** What to do with an adapter that was trained, or where it was held back, to get one that is not. */
export function afterTraining(
  args: BaseArgs & { readonly train?: string; readonly test?: string; readonly checkpoint?: string },
  { gate, metrics, data, interrupted, kFold, bestEpoch, kind }: Found,
  path: string,
): NextStep[] {
  if (interrupted) {
    const again: NextStep[] = args.checkpoint ? [[commandLine(process.argv.slice(2)), 'go on where it stopped']] : []
    return [...again, measure(args, path, 'see what it is worth as it stands')]
  }
  if (gate?.kept === false || bestEpoch === 0) {
    const queries = data.train?.queries ?? 0
    return [
      ['adapter-train generate docs/ --llm openai --out data/', `more labels than these ${queries}: written by an LLM`],
      ...(kFold ? [] : [rerun('--k-fold', '5', 'see on every query, held out in turn, what the procedure gives')]),
      ...(kind === 'linear'
        ? [rerun('--kind', 'linear-memory', 'another kind, which remembers the training queries')]
        : []),
    ]
  }
  if (args.base === 'vectors') {
    return [
      [
        `import { applyAdapter, loadAdapter } from 'adapter-train'\nconst adapted = applyAdapter(loadAdapter(${literal(path)}), queryVector)`,
        'before every search; documents stay as they are',
      ],
    ]
  }
  const isMeasured = metrics?.split === 'test'
  return [
    useInCode(args, path),
    [adapterCommand('serve', args, path), "or as a server that speaks OpenAI's and Cohere's protocols"],
    isMeasured && args.test !== undefined
      ? [adapterCommand('try', args, path, ['--data', args.test]), 'type queries, and see what changes']
      : measure(args, path, 'measure it on labelled queries of your own'),
  ]
}

/** What to do about a base, or an adapter, that was measured. */
export function afterEvaluation(
  args: BaseArgs & { readonly adapter?: string; readonly data?: string },
  difference: Proof['difference'] | undefined,
  metric: string,
): NextStep[] {
  if (args.adapter === undefined) {
    return [[words('train', spaceWords(args)), 'train an adapter for this base on train_dataset.json of this folder']]
  }
  const change = difference?.[metric]
  if (args.base === 'vectors') return []
  const look: NextStep[] = args.data
    ? [[adapterCommand('try', args, args.adapter, ['--data', args.data]), 'type queries, and see what changes']]
    : []
  if (change && change.low <= 0) {
    return [
      [
        'adapter-train generate docs/ --llm openai --out data/',
        `${metric} is not proven to rise: train on more labels`,
      ],
      ...look,
    ]
  }
  return [useInCode(args, args.adapter), ...look]
}

/** What to do with data sets that were written. */
export function afterWriting(files: readonly string[]): NextStep[] {
  const part = (name: string): string | undefined => files.find(file => new RegExp(`${name}[^/\\\\]*$`).test(file))
  const train = part('train')
  if (train === undefined) return []
  const parts = { train, val: part('val'), test: part('test') }
  const given = Object.entries(parts).flatMap(([name, file]) => (file === undefined ? [] : [`--${name}`, file]))
  const sets = Object.values(parts).filter(file => file !== undefined)
  return [
    [words('inspect', sets), 'look into them'],
    [words('embed', [...sets, '--base', 'openai', '--estimate']), 'what embedding them costs; sends nothing'],
    [words('train', ['--base', 'openai', ...given]), 'train an adapter (--base hashing tries it without a key)'],
  ]
}

/** What to do when embeddings are in the cache, or were only estimated. */
export function afterEmbedding(args: BaseArgs & { readonly estimate: boolean }): NextStep[] {
  const all = process.argv.slice(2)
  return args.estimate
    ? [[commandLine(all.filter(word => word !== '--estimate')), 'embed them']]
    : [[words('train', spaceWords(args)), 'train on train_dataset.json of this folder (or --train FILE)']]
}

/** Words of the options that say which space is meant, as far as they are given. */
function spaceWords(args: BaseArgs): string[] {
  const vectors = args.base === 'vectors' && args.vectors !== undefined ? ['--vectors', args.vectors] : []
  const given = SPACE.flatMap(name => {
    const value = args[name]
    if (value === undefined) return []
    if (typeof value === 'boolean') return [`--${value ? '' : 'no-'}${kebab(name)}`]
    return [`--${kebab(name)}`, String(value)]
  })
  return [...given, ...vectors]
}

function words(command: string, rest: readonly string[]): string {
  return commandLine([command, ...rest])
}

function adapterCommand(command: string, args: BaseArgs, path: string, more: readonly string[] = []): string {
  return words(command, [...spaceWords(args), '--adapter', path, ...more])
}

function measure(args: BaseArgs & { readonly test?: string }, path: string, effect: string): NextStep {
  const data = args.base === 'vectors' ? [] : ['--data', args.test ?? 'test_dataset.json']
  return [adapterCommand('evaluate', args, path, data), effect]
}

/** The command line as it was, with one option more. */
function rerun(option: string, value: string, effect: string): NextStep {
  return [commandLine([...process.argv.slice(2), option, value]), effect]
}

function useInCode(args: BaseArgs, path: string): NextStep {
  const { base, model, dimensions, baseUrl } = args
  const options = { model, dimensions, baseUrl: baseUrl && withoutCredentials(baseUrl) }
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${typeof value === 'string' ? literal(value) : value}`],
  )
  const provider = `createProvider(${literal(base)}${given.length > 0 ? `, { ${given.join(', ')} }` : ''})`
  return [
    `import { createProvider, wrapEmbedder } from 'adapter-train'\nconst embedder = wrapEmbedder(await ${provider}, ${literal(path)})`,
    'embedder.embedQuery(text) is adapted, embedder.embedDocuments(texts) as before',
  ]
}

function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
