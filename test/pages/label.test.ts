import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readDataset } from '../../src/dataset/read.js'
import { queriesOf } from '../../src/dataset/read-queries.js'
import { cohensKappa } from '../../src/pages/agreement.js'
import { openJudgements } from '../../src/pages/judgement-file.js'
import { labelRoutes } from '../../src/pages/label.js'
import type { PageRoute } from '../../src/pages/local-server.js'
import { orderQueries } from '../../src/pages/query-order.js'
import { cli, folderWith, llamaIndex, startCli } from '../cli/cli.js'
import { chromiumTest } from '../helpers/chromium.js'
import { expectSound, HOSTILE, openPage, QUERIES, SMALL, sampleLook } from './helper.js'

const folder = mkdtempSync(join(tmpdir(), 'label-'))
const stop = new AbortController()
afterAll(() => {
  stop.abort()
  rmSync(folder, { recursive: true, force: true })
})

interface Shown {
  readonly query?: { readonly id: string; readonly text: string }
  readonly documents: { readonly id: string; readonly grade: number | null }[]
  readonly progress: { readonly judgements: number; readonly done: number; readonly proven: string }
}

/** The page's requests of a judge, on a file. */
async function judging(path: string, judge: string, queries = QUERIES, corpus: ReadonlyMap<string, string> = SMALL) {
  const look = await sampleLook(stop.signal, queries, corpus)
  const file = openJudgements(path)
  const ordered = orderQueries(look, 'spread', 1)
  file.begin({ judgements: 1, documents: { corpus: 'docs.jsonl' }, sampling: {} })
  const routes: Record<string, PageRoute> = labelRoutes({
    look,
    title: 'cars',
    file,
    queries: ordered,
    judge,
    pool: 4,
    seed: 1,
  })
  const call = async <T>(name: string, body: object = {}): Promise<T> =>
    (await routes[name](body as Record<string, unknown>, stop.signal)) as T
  return { call, file, ordered }
}

const lines = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

test('true labels given through the requests make a dataset that equals the original one restricted to those pairs', async () => {
  const path = join(folder, 'true.jsonl')
  writeFileSync(join(folder, 'docs.jsonl'), [...SMALL].map(([id, text]) => JSON.stringify({ id, text })).join('\n'))
  const queries = QUERIES.filter(({ grades }) => grades)
  const { call } = await judging(path, 'Ada', queries)
  const restricted = new Map<string, Map<string, number>>()
  for (let shown = await call<Shown>('query'); shown.query; shown = await call<Shown>('query')) {
    const query = queries.find(({ id }) => id === shown.query!.id)!
    for (const document of shown.documents) {
      const grade = query.grades!.get(document.id) ?? 0
      await call('judge', { query: query.id, document: document.id, grade })
      restricted.set(query.id, (restricted.get(query.id) ?? new Map()).set(document.id, grade))
    }
  }
  const { dataset } = await readDataset(path)
  expect(queriesOf(dataset).map(({ id, text }) => [id, text])).toEqual(queries.map(({ id, text }) => [id, text]))
  expect([...dataset.corpus]).toEqual([...SMALL])
  const sorted = (grades: ReadonlyMap<string, number>) => [...grades].sort()
  for (const { id } of queries) expect(sorted(dataset.qrels.get(id)!)).toEqual(sorted(restricted.get(id)!))
  const { progress } = await call<Shown>('query')
  expect(progress).toMatchObject({ done: queries.length, judgements: lines(path).length - 1 })
  expect(progress.proven).toMatch(/24 queries have a relevant document/)
})

test('judges who write to one file at once lose nothing, and their agreement is known', async () => {
  const path = join(folder, 'both.jsonl')
  const [ada, bo] = [await judging(path, 'Ada'), await judging(path, `Bo ${HOSTILE}`)]
  const { query, documents } = await ada.call<Shown>('query')
  const id = query!.id
  await Promise.all(
    documents.flatMap(({ id: document }, i) => [
      ada.call('judge', { query: id, document, grade: i % 2 }),
      bo.call('judge', { query: id, document, grade: i === 0 ? 3 : i % 2 }),
    ]),
  )
  // A line that was cut off when a machine stopped does not take the next one with it.
  appendFileSync(path, '{"query_id": "q1", "docu')
  await ada.call('judge', { query: id, document: documents[0].id, grade: 2 })
  const of = (judge: string) => Object.fromEntries(ada.file.judgements.of(judge).get(id)!)
  expect(of('Ada')).toEqual(Object.fromEntries(documents.map(({ id }, i) => [id, i === 0 ? 2 : i % 2])))
  expect(ada.file.judgements.torn()).toBe(1)
  const { agreements } = await bo.call<{ agreements: unknown[] }>('agreement')
  expect(agreements).toEqual([
    {
      judges: ['Ada', `Bo ${HOSTILE}`],
      pairs: documents.length,
      kappa: expect.any(Number),
      disagreements: [{ query: id, text: query!.text, documents: 1 }],
    },
  ])
  expect(await bo.call<Shown>('undo')).toMatchObject({ query: id, grade: null })
})

test("Cohen's kappa is that of a table worked out by hand", () => {
  // 20 and 15 of 50 agree; 5 and 10 differ: p = 0.7, e = 0.5, kappa = 0.4.
  const table: [number, number, number][] = [
    [1, 1, 20],
    [1, 0, 5],
    [0, 1, 10],
    [0, 0, 15],
  ] // prettier-ignore
  expect(cohensKappa(table.flatMap(([a, b, n]) => Array.from({ length: n }, () => [a, b] as const)))).toBeCloseTo(0.4)
  expect(cohensKappa([])).toBeUndefined()
})

test('queries come from every cluster in turn, the most frequent first, and each is there once', async () => {
  const look = await sampleLook(stop.signal, QUERIES, SMALL)
  const ordered = await orderQueries(look, 'spread', 1)
  expect(ordered.map(({ at }) => at).sort((a, b) => a - b)).toEqual(QUERIES.map((_, i) => i))
  const strata = [...new Set(ordered.map(({ stratum }) => stratum))]
  expect(strata.length).toBeGreaterThan(1)
  expect(new Set(ordered.slice(0, strata.length).map(({ stratum }) => stratum)).size).toBe(strata.length)
  for (const stratum of strata) {
    const searches = ordered.filter(query => query.stratum === stratum).map(query => query.searches)
    expect(searches).toEqual(searches.toSorted((a, b) => b - a))
  }
  const apart = await orderQueries(look, 'disagreement', 1)
  expect(apart.map(({ id }) => id).sort()).toEqual(QUERIES.map(({ id }) => id).sort())
})

chromiumTest('twenty documents are judged by keyboard, with undo, a reload, and the program killed in between', async () => {
  const cwd = folderWith({
    'docs.jsonl': [...SMALL].map(([id, text]) => JSON.stringify({ id, text })).join('\n'),
    'log.txt': QUERIES.slice(0, 12)
      .map(({ text }) => text)
      .join('\n'), // prettier-ignore
  })
  const args = ['--corpus', 'docs.jsonl', '--queries', 'log.txt', '--base', 'hashing', '--cache', 'none', '--pool', '6']
  const start = async () => {
    const { child, ended } = startCli(['label', ...args, '--judge', HOSTILE], { cwd })
    const url = await new Promise<string>((done, fail) => {
      child.stdout!.on('data', text => /http\S+/.test(text) && done(/http\S+/.exec(text)![0]))
      ended.then(({ stderr }) => fail(new Error(stderr)))
    })
    return { child, ended, url }
  }
  const path = join(cwd, 'labels.jsonl')
  const judged = (): number => lines(path).filter(line => 'grade' in line && !line.undo).length
  const given: (number | string)[] = []

  let running = await start()
  let { page, problems } = await openPage(running.url, { viewport: { width: 360, height: 740 } })
  const until = (n: number) => expect.poll(judged, { timeout: 10_000 }).toBe(n)
  const judge = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await page.waitForSelector('.cards > li[aria-current]')
      const grade = given.length % 4
      given.push(grade)
      await page.keyboard.press(String(grade))
      await until(given.length)
      if ((await page.locator('.cards > li:not(.judged)').count()) > 0) continue
      const before = await page.textContent('#query')
      await page.keyboard.press('n')
      await expect.poll(() => page.textContent('#query'), { timeout: 10_000 }).not.toBe(before)
    }
  }
  await judge(8)
  await page.keyboard.press('k')
  await page.keyboard.press('j')
  await page.keyboard.press('u')
  await expect.poll(() => lines(path).filter(line => line.undo).length, { timeout: 10_000 }).toBe(1)
  const query = await page.textContent('#query')
  await page.reload()
  await page.waitForSelector('.cards > li[aria-current]')
  expect(await page.textContent('#query')).toBe(query)
  await judge(4)
  await expectSound(page)
  expect(problems).toEqual([])
  running.child.kill('SIGKILL')
  await running.ended
  await page.close()

  running = await start()
  ;({ page, problems } = await openPage(running.url, { colorScheme: 'dark' }))
  await judge(9)
  await page.getByText('Agreement of judges').click()
  await page.getByText('nobody to agree with').waitFor()
  expect(await page.textContent('.label header')).toContain('20 judgements by </script>')
  await expectSound(page)
  expect(problems).toEqual([])
  await page.close()
  running.child.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)

  // The grades in the order of the keys, but for the one that was taken back.
  const written = lines(path).filter(line => 'grade' in line)
  expect(written.filter(line => !line.undo).map(({ grade }) => grade)).toEqual(given)
  const pairs = new Map<string, unknown>()
  for (const { query_id, document_id, grade } of written) pairs.set(`${query_id} ${document_id}`, grade)
  expect([...pairs.values()].filter(grade => grade !== null)).toHaveLength(20)
  expect(new Set(written.map(({ judge }) => judge))).toEqual(new Set([HOSTILE]))

  const split = await cli(['label', '--split', '1', '--out', 'parts'], { cwd })
  expect(split).toMatchObject({ code: 0, stdout: expect.stringContaining('parts') })
  const agreement = await cli(['label', '--agreement'], { cwd })
  expect(agreement.stdout).toContain('nobody to agree with')
})

test('a file that is not there is named before a page is announced', async () => {
  const { code, stdout, stderr } = await cli(['view', '--data', 'missing.json', '--base', 'hashing'], { cwd: folder })
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^error: missing\.json does not exist/)
})

test.each(['view', 'label'])('%s names a port that no machine has', async command => {
  const args = [command, '--data', 'd.json', '--base', 'hashing', '--port', '70000']
  const { code, stderr } = await cli(args, { cwd: folder })
  expect([code, stderr]).toEqual([2, 'error: --port must be a whole number of at least 0 and at most 65535, found 70000\n'])
})

test('a judge without a name on the system has that of the environment, or is asked for one', async () => {
  const cwd = folderWith({ 'd.json': llamaIndex(3) })
  const nameless =
    "import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module'; " +
    "os.userInfo = () => { throw new Error('uv_os_get_passwd returned ENOENT') }; syncBuiltinESMExports()"
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(nameless)}` }
  const args = ['label', '--data', 'd.json', '--base', 'hashing', '--cache', 'none']
  const { code, stderr } = await cli(args, { cwd, env })
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: --judge: .*; add --judge NAME\n$/)])
  for (const [more, own] of [
    [[], { USER: 'ada' }],
    [['--judge', 'ada'], {}],
  ] as const) {
    const { child, ended } = startCli([...args, ...more], { cwd, env: { ...env, ...own } })
    child.stdout!.once('data', () => child.kill('SIGTERM'))
    expect((await ended).code).toBe(0)
  }
})
