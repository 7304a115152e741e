import { existsSync } from 'node:fs'
import type { Proof } from '../../pipeline/proof.js'
import type { EmbeddedTrainingReport } from '../../pipeline/training.js'
import { kebab } from '../../words.js'
import { DATA_FILES, type DataFileArgs } from '../options/data-files.js'
import { cacheOption, type ProviderArgs, SPACE_OPTIONS } from '../options/provider-options.js'
import { wordsOfValue } from '../options/rows.js'
import type { NextStep } from './console.js'
import type { Shipped } from './ship-adapter.js'
import { commandLine, withoutCredentials } from './write-report.js'

type BaseArgs = ProviderArgs & { readonly vectors?: string; readonly index?: string }

/** Default name of a test set, as `import` and `generate` write it. */
const TEST_FILE = 'test_dataset.json'

/** Suggests how to use a trained adapter, or how to get one that passes the gate. */
export function afterTraining(
  given: BaseArgs & Pick<DataFileArgs, 'train' | 'test'> & { checkpoint?: string; grid?: unknown; splitBy?: string },
  { gate, duel, metrics, data, interrupted, kFold, bestEpoch, kind }: Partial<EmbeddedTrainingReport>,
  { adapter: path, rejected }: Shipped,
): NextStep[] {
  // The file names its base, except for the address of a server.
  const { base, vectors, baseUrl, checkpoint, cache } = given
  const args = { ...(base === 'vectors' ? { base, vectors } : { baseUrl }), checkpoint, cache, index: given.index }
  const test = given.test ?? (existsSync(TEST_FILE) ? TEST_FILE : undefined)
  if (interrupted) {
    const again: NextStep[] = args.checkpoint ? [[commandLine(process.argv.slice(2)), 'resume']] : []
    return [...again, measure(args, (rejected ?? path)!, test, 'see what it is worth as it stands')]
  }
  if (gate?.kept === false || bestEpoch === 0) {
    const steps = [moreLabels(`more labels than these ${data?.train?.queries ?? 0}: written by an LLM`)]
    // A sweep has neither option.
    if (given.grid) return steps
    if (!kFold && given.splitBy !== 'time')
      steps.push(rerun('--k-fold', '5', 'see on every query, held out in turn, what the procedure gives'))
    if (kind === 'linear') steps.push(rerun('--kind', 'linear-memory', 'another kind, which remembers the training queries'))
    return steps
  }
  if (rejected !== undefined) {
    return [
      measure(args, rejected, test, 'see what the rejected one is worth'),
      ...(duel ? [rerun('--replace', 'always', 'put the new one in use all the same')] : []),
    ]
  }
  if (path === undefined) return []
  if (base === 'vectors') {
    const call = `const adapted = applyAdapter(loadAdapter(${literal(path)}), queryVector)`
    const snippet = `import { applyAdapter, loadAdapter } from 'adapter-train'\n${call}`
    return [[snippet, 'before every search; documents stay as they are']]
  }
  const look = tryIt(args, path, given.test ?? given.train ?? [DATA_FILES.train].find(existsSync))
  return [
    useInCode(args, path),
    [adapterCommand('serve', args, path), "or as a server that speaks OpenAI's and Cohere's protocols"],
    ...(metrics?.split === 'test' || test === undefined
      ? look
      : [measure(args, path, test, 'measure it on labelled queries of your own')]),
  ]
}

export function afterEvaluation(
  args: BaseArgs & { readonly adapter?: string; readonly data?: string },
  difference: Proof['difference'] | undefined,
  metric: string,
): NextStep[] {
  if (args.adapter === undefined) {
    const train = existsSync(DATA_FILES.train) ? DATA_FILES.train : 'FILE'
    return [[words('train', [...spaceWords(args), '--train', train]), 'train an adapter for this base']]
  }
  const change = difference?.[metric]
  if (args.base === 'vectors') return []
  const look = tryIt(args, args.adapter, args.data)
  if (change && change.low <= 0) return [moreLabels(`${metric} is not proven to rise: train on more labels`), ...look]
  return [useInCode(args, args.adapter), ...look]
}

export function afterWriting(files: readonly string[]): NextStep[] {
  const part = (name: string): string | undefined => files.find(file => partOf(file, name))
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

export function afterEmbedding(args: BaseArgs & { readonly data: readonly string[]; readonly estimate: boolean }): NextStep[] {
  const all = process.argv.slice(2)
  if (args.estimate) return [[commandLine(all.filter(word => word !== '--estimate')), 'embed them']]
  const train = args.data.find(file => partOf(file, 'train')) ?? args.data[0]
  const others = (['val', 'test'] as const).flatMap(part => {
    const file = args.data.find(file => file !== train && partOf(file, part))
    return file === undefined ? [] : [`--${part}`, file]
  })
  return [[words('train', [...spaceWords(args), '--train', train, ...others]), 'train an adapter on them']]
}

/** A BEIR folder has its validation set in `dev.tsv`. */
const partOf = (file: string, part: string): boolean => new RegExp(`(${part === 'val' ? 'val|dev' : part})[^/\\\\]*$`).test(file)

function moreLabels(effect: string): NextStep {
  return [`adapter-train generate ${existsSync('docs') ? 'docs/' : 'FOLDER'} --llm openai --out data/`, effect]
}

function spaceWords(args: BaseArgs): string[] {
  const vectors = args.base === 'vectors' && args.vectors !== undefined ? ['--vectors', args.vectors] : []
  const given = SPACE_OPTIONS.flatMap(name => {
    const value = args[name]
    if (value === undefined) return []
    if (typeof value === 'boolean') return [`--${value ? '' : 'no-'}${kebab(name)}`]
    return wordsOfValue(value).flatMap(word => [`--${kebab(name)}`, word])
  })
  const cache = args.cache === cacheOption.default || args.base === 'vectors' ? [] : ['--cache', args.cache]
  return [...given, ...vectors, ...cache]
}

const words = (command: string, rest: readonly string[]): string => commandLine([command, ...rest])

function adapterCommand(command: string, args: BaseArgs, path: string, more: readonly string[] = []): string {
  const index = args.index === undefined || command === 'serve' ? [] : ['--index', args.index]
  return words(command, [...spaceWords(args), '--adapter', path, ...more, ...index])
}

function tryIt(args: BaseArgs, path: string, data: string | undefined): NextStep[] {
  return data ? [[adapterCommand('try', args, path, ['--data', data]), 'type queries, and see what changes']] : []
}

/** @param test absent if there is no file of test queries */
function measure(args: BaseArgs, path: string, test: string | undefined, effect: string): NextStep {
  const data = args.base === 'vectors' ? [] : ['--data', test ?? 'FILE']
  return [adapterCommand('evaluate', args, path, data), effect]
}

/** Repeats the command line with an option set to a value. */
function rerun(option: string, value: string, effect: string): NextStep {
  const given = process.argv.slice(2).filter((word, i, all) => word !== option && all[i - 1] !== option)
  return [commandLine([...given.filter(word => !word.startsWith(`${option}=`)), option, value]), effect]
}

function useInCode(args: BaseArgs, path: string): NextStep {
  const { base, baseUrl, queryParam: queryParams, documentParam: documentParams } = args
  const address = baseUrl && withoutCredentials(baseUrl)
  const effect = 'embedder.embedQuery(text) is adapted, embedder.embedDocuments(texts) as before'
  if (base === undefined) {
    const more = address === undefined ? '' : `, { base: { baseUrl: ${literal(address)} } }`
    const call = `const embedder = await openEmbedder(${literal(path)}${more})`
    return [`import { openEmbedder } from 'adapter-train'\n${call}`, effect]
  }
  const space = Object.fromEntries(SPACE_OPTIONS.map(name => [name, args[name]]))
  const renamed = { base: undefined, baseUrl: address, queryParam: undefined, documentParam: undefined }
  const given = Object.entries({ ...space, ...renamed, queryParams, documentParams }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${typeof value === 'string' ? literal(value) : JSON.stringify(value)}`],
  )
  const provider = `createProvider(${literal(base)}${given.length > 0 ? `, { ${given.join(', ')} }` : ''})`
  const call = `const embedder = wrapEmbedder(await ${provider}, ${literal(path)})`
  return [`import { createProvider, wrapEmbedder } from 'adapter-train'\n${call}`, effect]
}

const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
