// node test/fuzz/share-cache.mjs [--kills 100] [--seed 1]
//
// Eight processes embed the same 892 texts over one cache: together they ask for hardly more than 892. Then the same with processes killed
// at random points: nothing is asked twice beyond what a killed process had in flight, the others get all vectors, the file is sound.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openCache } from '../../dist/cache/sqlite-cache.js'
import { embedTexts } from '../../dist/embed/embed-texts.js'
import { createRandom } from '../../dist/math/random.js'
import { createProvider } from '../../dist/providers/index.js'

const [PROCESSES, TEXTS, BATCH, CONCURRENCY, KILLS_A_ROUND] = [8, 892, 10, 2, 3]
/** Share of the texts that may be asked for again without a kill. */
const MOST_AGAIN = 0.05
const texts = Array.from({ length: TEXTS }, (_, i) => `question ${i} about the cards`)

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    child: { type: 'string' },
    url: { type: 'string' },
  },
})
if (values.child === undefined) process.exitCode = await parent()
else await child(values.child, values.url)

async function child(file, url) {
  const provider = await createProvider('openai', { model: 'm', baseUrl: url, apiKey: 'k', maxInputs: BATCH })
  const cache = await openCache(file)
  const { vectors } = await embedTexts(provider, texts, 'document', { cache, concurrency: CONCURRENCY })
  cache.close()
  const isWhole = texts.every((text, i) => vectors.data[i * vectors.cols] === text.length)
  process.exit(isWhole && vectors.rows === TEXTS ? 0 : 3)
}

async function parent() {
  const random = createRandom(Number(values.seed))
  let asked = new Map()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { input } = JSON.parse(body)
    for (const text of input) asked.set(text, (asked.get(text) ?? 0) + 1)
    setTimeout(() => {
      const data = input.map((text, index) => ({ index, embedding: [text.length, 1, 0, 1] }))
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data, usage: { total_tokens: 1 } }))
    }, 30)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}/v1`
  const problems = []

  /** Runs eight processes and kills some after the given milliseconds; returns the milliseconds that it took. */
  async function round(kills) {
    asked = new Map()
    const folder = mkdtempSync(join(tmpdir(), 'share-cache-'))
    const file = join(folder, 'cache.sqlite')
    const started = performance.now()
    const running = Array.from({ length: PROCESSES }, () =>
      spawn(process.execPath, [fileURLToPath(import.meta.url), '--child', file, '--url', url], {
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    )
    const ended = running.map(
      one =>
        new Promise(resolve => {
          let errors = ''
          one.stderr.on('data', chunk => {
            errors += chunk
          })
          one.on('close', (code, signal) => resolve({ code, signal, errors }))
        }),
    )
    for (const [i, ms] of kills.entries()) setTimeout(() => running[i].kill('SIGKILL'), ms)
    const results = await Promise.all(ended)
    const milliseconds = performance.now() - started
    const killed = results.filter(({ signal }) => signal === 'SIGKILL').length
    for (const { code, errors } of results) if (code !== 0 && code !== null) problems.push(`exit code ${code}: ${errors}`)
    const total = [...asked.values()].reduce((sum, times) => sum + times, 0)
    const most = killed === 0 ? Math.floor(TEXTS * (1 + MOST_AGAIN)) : TEXTS + killed * CONCURRENCY * BATCH
    if (asked.size !== TEXTS) problems.push(`${asked.size} texts asked for, expected ${TEXTS}`)
    if (total > most) problems.push(`${killed} killed: ${total} asked for, expected at most ${most}`)
    const cache = await openCache(file)
    const { vectors, bad, structure } = cache.verify()
    cache.close()
    if (vectors !== TEXTS || bad.length + structure.length > 0) problems.push(`the cache holds ${vectors}, ${bad.length} bad`)
    rmSync(folder, { recursive: true })
    return { milliseconds, killed, total }
  }

  const undisturbed = await round([])
  process.stdout.write(`${PROCESSES} processes, ${TEXTS} texts: ${undisturbed.total} asked for\n`)
  let [killed, again, rounds] = [0, 0, 0]
  while (killed < Number(values.kills) && problems.length === 0 && rounds < 2 * Number(values.kills)) {
    const points = Array.from({ length: KILLS_A_ROUND }, () => random.next() * undisturbed.milliseconds)
    const found = await round(points)
    killed += found.killed
    again += found.total - TEXTS
    rounds++
  }
  process.stdout.write(`${killed} killed in ${rounds} rounds: ${again} texts asked for again\n`)
  for (const problem of problems) process.stdout.write(`${problem}\n`)
  server.close()
  return problems.length > 0 ? 1 : 0
}
