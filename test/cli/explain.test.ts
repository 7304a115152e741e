import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { identity, matrix } from '../../src/math/matrix.js'
import type { Explanation } from '../../src/pipeline/explain.js'
import { createProvider } from '../../src/providers/index.js'
import { cli, cliJson, folderWith, MAIN } from './cli.js'

const d = 256
const data = {
  queries: { q1: 'card was declined', q2: 'change of address', q3: 'hours of opening' },
  corpus: {
    a: 'My card was declined at the shop',
    b: 'How to change your postal address',
    c: 'Opening hours\u001b[2Jof the branches',
    e: 'Transfers to other countries',
  },
  relevant_docs: { q1: ['e'], q2: ['b'], q3: ['b'] },
}
const cwd = folderWith({ 'data.json': data })
const BASE = ['--adapter', 'a.json', '--data', 'data.json', '--dimensions', String(d)]

function adapterWith(params: Adapter['params'], id: string): Adapter {
  return {
    kind: 'linear',
    base: { id, dimensions: d, normalized: true },
    training: { tool: 'test', date: '2024-01-01T00:00:00Z', data: {}, options: {}, metrics: {} },
    params,
  }
}

let id: string
beforeAll(async () => {
  const provider = await createProvider('hashing', { dimensions: d })
  id = provider.id
  // Moves every query to the document e, far enough for it to come first.
  const [e] = await provider.embed([data.corpus.e], 'document')
  const b = matrix(
    1,
    d,
    e.map(x => 1.5 * x),
  )
  saveAdapter(adapterWith({ W: identity(d), b }, id), join(cwd, 'a.json'))
  const short = matrix(64, d, identity(d).data.slice(0, 64 * d))
  saveAdapter(adapterWith({ W: short, b: matrix(1, 64) }, id), join(cwd, 'short.json'))
})

/** Ends as the command does, with `input` on its stdin. */
function tryWith(input: string, args: readonly string[] = BASE) {
  return new Promise<{ code: number; stdout: string; stderr: string }>(done => {
    const { PATH, HOME } = process.env
    const child = execFile(
      process.execPath,
      [MAIN, 'try', ...args],
      { cwd, env: { PATH, HOME }, timeout: 30_000 },
      (error, stdout, stderr) => done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
    child.stdin?.end(input)
  })
}

test.concurrent('explain lists both rankings with scores, changes of rank and what is relevant', async () => {
  const explanation = await cliJson<Explanation>(['explain', ...BASE, '--query', 'card was declined', '--top', '2'], {
    cwd,
  })
  expect(explanation).toMatchObject({ query: 'card was declined', documents: 4, relevant: 1, missed: [] })
  const { base, adapted } = explanation
  expect(base.map(doc => doc.id)[0]).toBe('a')
  expect(base[0]).toMatchObject({ rank: 1, otherRank: 2, relevant: false, text: data.corpus.a })
  expect(adapted.map(doc => doc.id)).toEqual(['e', 'a'])
  expect(adapted[0]).toMatchObject({ rank: 1, relevant: true })
  expect(adapted[0].otherRank).toBeGreaterThan(1)
  expect(adapted[0].score).toBeGreaterThan(adapted[0].otherScore)
  expect(adapted[1]).toMatchObject({ rank: 2, otherRank: 1, otherScore: base[0].score, score: base[0].otherScore })
})

test.concurrent('explain prints them side by side, relevant ones marked, and nothing that steers the terminal', async () => {
  const { code, stdout } = await cli(['explain', ...BASE, '--query', 'card was declined'], { cwd })
  expect(code).toBe(0)
  const lines = stdout.split('\n')
  expect(lines.slice(0, 2)).toEqual(['card was declined', '4 documents; 1 relevant document, marked *'])
  expect(lines[3]).toMatch(/^rank {2}base +score {2}adapted +score {2}moved$/)
  expect(lines[4]).toMatch(/^ {3}1 {4}a My card was declined at the shop +0\.\d{4} {2}\* e Transfers.* \+\d \(was \d\)$/)
  expect(stdout).not.toContain('\u001b')
  expect(stdout).toContain('Opening hours [2Jof')
})

test.concurrent('explain names relevant documents that neither list shows, and queries that the data does not have', async () => {
  const { stdout } = await cli(['explain', ...BASE, '--query', 'hours of opening', '--top', '1'], { cwd })
  expect(stdout).toMatch(/\nrelevant, but in neither list\n\* b: rank \d -> \d, How to change your postal address\n$/)
  const missing = await cliJson<Explanation>(['explain', ...BASE, '--query', 'opening', '--top', '1'], { cwd })
  expect(missing).not.toHaveProperty('relevant')
  expect(missing.missed).toEqual([])
})

test.concurrent('explain compares by the start of the documents under an adapter to fewer dimensions', async () => {
  const args = ['explain', '--adapter', 'short.json', ...BASE.slice(2), '--query', 'card was declined']
  const { base, adapted } = await cliJson<Explanation>(args, { cwd })
  expect(adapted).toHaveLength(4)
  expect(adapted.map(doc => doc.id)).toContain('a')
  expect(adapted[0].score).not.toBe(base[0].score)
})

test.concurrent('explain takes documents from the cache', async () => {
  const args = ['explain', ...BASE, '--query', 'card', '--cache', 'own.sqlite']
  await cli(args, { cwd })
  const stats = await cliJson<Record<string, unknown>>(['cache', 'stats', '--cache', 'own.sqlite'], { cwd })
  expect(JSON.stringify(stats)).toMatch(/"(entries|vectors|count)":5/)
})

test.concurrent.each<[string[], number, RegExp]>([
  [['--query', 'x', '--adapter', 'none.json'], 1, /adapter file none\.json: there is no such file/],
  [['--query', 'x', '--dimensions', '64'], 1, /trained on/],
  [['--query', ''], 2, /--query must be a non-empty text/],
  [[], 2, /query/],
  [['--query', 'x', '--top', '0'], 2, /--top must be a whole number of at least 1/],
])('explain with %j ends with code %i', async (args, wanted, message) => {
  const { code, stderr } = await cli(['explain', ...BASE, ...args], { cwd })
  expect(stderr).toMatch(message)
  expect(code).toBe(wanted)
})

test.concurrent('try answers each line that is piped in, up to an empty one', async () => {
  const { code, stdout } = await tryWith('card was declined\nopening hours\n\nnot asked\n')
  expect(code).toBe(0)
  expect(stdout.match(/^rank /gm)).toHaveLength(2)
  expect(stdout).toContain('opening hours\n4 documents; the data does not have this query\n')
  expect(stdout).not.toContain('not asked')
})

test.concurrent('try ends with its input, also where that is empty or lacks a line break', async () => {
  expect(await tryWith('')).toMatchObject({ code: 0, stdout: '' })
  const { code, stdout } = await tryWith('card')
  expect(code).toBe(0)
  expect(stdout).toContain('card\n4 documents')
})

test.concurrent('explain and try say what documents cost before they are sent, and nothing where all are cached', async () => {
  const args = [...BASE, '--cache', 'told.sqlite']
  const plan = /^4 distinct texts for hashing\S+: 0 from the cache; 4 to embed \(\d+ tokens\)\n$/
  expect((await cli(['explain', ...args, '--query', 'card'], { cwd })).stderr).toMatch(plan)
  expect((await cli(['explain', ...args, '--query', 'address'], { cwd })).stderr).toBe('')
  expect((await tryWith('card\nopening hours\n', [...BASE, '--cache', 'none'])).stderr).toMatch(plan)
  expect((await tryWith('card\n', [...BASE, '--cache', 'none', '--quiet'])).stderr).toBe('')
})

test.concurrent('view says what documents cost before they are sent', async () => {
  const { stderr } = await cli(['view', '--data', 'data.json', '--base', 'hashing', '--cache', 'none', '--export', 'v.html'], {
    cwd,
  })
  expect(stderr).toMatch(/^4 distinct texts for .*; 4 to embed/)
})
