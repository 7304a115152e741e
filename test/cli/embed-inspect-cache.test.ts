import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

describe.concurrent('embed', () => {
  test('--estimate counts what is missing and its cost, needs no key, sends nothing and writes nothing', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(20) })
    const args = ['embed', 'd.json', '--base', 'openai', '--estimate']
    const report = await cliJson<{ tokens: number; cost: number }>(args, { cwd })
    expect(report).toEqual({
      base: 'openai/text-embedding-3-small',
      queries: expect.objectContaining({ texts: 20, unique: 20, cached: 0, missing: 20, tokens: expect.any(Number) }),
      documents: expect.objectContaining({ texts: 20, unique: 20, cached: 0, missing: 20, tokens: expect.any(Number) }),
      tokens: expect.any(Number),
      cost: expect.any(Number),
    })
    expect(report.tokens).toBeGreaterThan(200)
    expect(report.cost).toBeCloseTo((report.tokens / 1e6) * 0.02, 12)
    expect(existsSync(join(cwd, 'cache'))).toBe(false)

    const { stdout, stderr } = await cli([...args, '--price', '1000000'], { cwd })
    expect(stderr).toMatch(/^not counted: with up to 200 labelled queries, .+--pseudo-queries/m)
    expect(stdout).toMatch(/^queries +20 of 20 to embed, \d+ tokens\ndocuments +20 of 20 to embed, \d+ tokens\ncost +\$/)
    expect(stdout).toContain(`$${report.tokens}.00`)
  })

  test('--verify embeds cached texts again, and exits 4 when the model has changed under its name', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(20) })
    let turn = 0
    const server = createServer(async (request, response) => {
      const { input } = JSON.parse(Buffer.concat(await request.toArray()).toString())
      const vectorOf = (text: string) => Array.from({ length: 1536 }, (_, j) => Math.sin(text.length + j * (1 + turn)))
      const data = input.map((text: string, index: number) => ({ index, embedding: vectorOf(text) }))
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data, usage: { total_tokens: 1 } }))
    }).listen(0)
    const { port } = server.address() as AddressInfo
    const env = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` }
    try {
      const args = ['embed', 'd.json', '--base', 'openai']
      await cliJson(args, { cwd, env })
      const same = await cli([...args, '--verify', '5'], { cwd, env })
      expect(same).toMatchObject({ code: 0, stdout: expect.stringMatching(/^5 cached texts embedded again/) })
      turn = 1
      const changed = await cli([...args, '--verify', '5', '--json'], { cwd, env })
      expect(changed).toMatchObject({ code: 4, stderr: expect.stringContaining('has changed under its name') })
      expect(JSON.parse(changed.stdout)).toMatchObject({ texts: 5, bound: 1e-3, passed: false })
    } finally {
      server.close()
    }
  })

  test('embeds the texts of all data sets once, and then has them', async () => {
    const cwd = folderWith({ 'a.json': llamaIndex(10), 'b.json': llamaIndex(4, { from: 8 }) })
    const args = ['embed', '--base', 'hashing', 'a.json', 'b.json', '--cache', 'my cache/é.sqlite']
    const first = await cliJson(args, { cwd })
    expect(first).toMatchObject({ texts: 28, unique: 24, hits: 0, misses: 24, requests: 2, retries: 0 })
    const { stdout } = await cli(args, { cwd })
    expect(stdout).toBe('0 texts embedded in 0 requests (0 tokens), 24 from the cache\n')
    const estimate = await cliJson([...args, '--estimate'], { cwd })
    expect(estimate).toMatchObject({ tokens: 0, cost: 0, queries: { cached: 14 - 0, missing: 0 } })
  })
})

describe.concurrent('inspect', () => {
  test('shows adapter files and data sets, and what the data sets share', async () => {
    const cwd = folderWith({ 'a.json': llamaIndex(20), 'b.json': llamaIndex(4, { from: 18, documents: 20 }) })
    await cliJson(
      [
        '--base',
        'hashing',
        '--train',
        'a.json',
        '--dimensions',
        '16',
        '--epochs',
        '1',
        '--tune',
        'off',
        '--out',
        'x.json',
        '--cache',
        'none',
      ],
      {
        cwd,
      },
    )
    const report = await cliJson<{ files: Record<string, unknown>[] }>(['inspect', 'x.json', 'a.json', 'b.json'], {
      cwd,
    })
    expect(report).toMatchObject({
      files: [
        {
          file: 'x.json',
          type: 'adapter',
          format: 'adapter-train/1',
          kind: 'linear',
          base: { dimensions: 16 },
          params: { W: [16, 16], b: [1, 16] },
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          training: { options: { epochs: 1 } },
        },
        { file: 'a.json', type: 'dataset', queries: 20, documents: 20, pairs: 20, skipped: 0 },
        { file: 'b.json', type: 'dataset', queries: 4, documents: 20, pairs: 4, skipped: 0 },
      ],
      overlap: [{ files: ['a.json', 'b.json'], queryTexts: 2, documentIds: 4, documentTexts: 4 }],
    })
    expect(JSON.stringify(report)).not.toContain('"data":"')

    const { code, stdout } = await cli(['inspect', 'x.json', 'a.json', 'b.json'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^x\.json\n {2}kind +linear \(W 16 x 16, b 1 x 16\)\n {2}base +hashing\S+, 16 dimensions/)
    expect(stdout).toMatch(/^a\.json\n {2}queries +20 /m)
    expect(stdout).toContain('a.json and b.json share 2 query texts and 4 answered documents')
  })

  test('a damaged adapter and a missing file fail with the name of the file', async () => {
    const cwd = folderWith({ 'x.json': '{"format":"adapter-train/1","kind":"linear"}' })
    const damaged = await cli(['inspect', 'x.json'], { cwd })
    expect(damaged).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error: x\.json: "params" must be/),
    })
    const missing = await cli(['inspect', 'none.json'], { cwd })
    expect(missing).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error: none\.json does not exist/),
    })
  })
})

describe.concurrent('cache', () => {
  test('stats, verify with and without --repair, and prune', async () => {
    const cwd = folderWith({ 'd.json': llamaIndex(10) })
    await cliJson(['embed', '--base', 'hashing', 'd.json', '--dimensions', '16'], { cwd })
    await cliJson(['embed', '--base', 'hashing', 'd.json', '--dimensions', '8'], { cwd })
    const stats = await cliJson<{ spaces: { key: string }[] }>(['cache', 'stats'], { cwd })
    expect(stats).toMatchObject({
      vectors: 40,
      spaces: [
        { dimensions: 16, vectors: 20, bytes: 16 * 4 * 20 },
        { dimensions: 8, vectors: 20, bytes: 8 * 4 * 20 },
      ],
    })
    expect((await cli(['cache', 'stats'], { cwd })).stdout).toMatch(
      /: 40 vectors, .+\nvectors +dimensions +size +last written +space\n20 +16 +0\.0 MB +\d{4}-\d\d-\d\d +hashing/,
    )
    expect(await cliJson(['cache', 'verify'], { cwd })).toEqual({ vectors: 40, bad: [], structure: [], removed: 0 })

    const db = new Database(join(cwd, 'cache/embeddings.sqlite'))
    db.exec('UPDATE vectors SET vector = zeroblob(length(vector)) WHERE rowid = (SELECT min(rowid) FROM vectors)')
    db.close()
    const damaged = await cli(['cache', 'verify', '--json'], { cwd })
    expect(damaged.code).toBe(1)
    expect(JSON.parse(damaged.stdout)).toEqual({
      vectors: 40,
      bad: [{ space: expect.any(String), textHash: expect.stringMatching(/^[0-9a-f]{64}$/), problem: expect.any(String) }],
      structure: [],
      removed: 0,
      error: { code: 'CACHE_CORRUPT', message: expect.stringMatching(/damaged in \S+: 1 vector,.*--repair/) },
    })
    const shown = await cli(['cache', 'verify'], { cwd })
    expect(shown).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^40 vectors checked, 1 damaged, 0 removed\n {2}/),
    })
    expect(await cliJson(['cache', 'verify', '--repair'], { cwd })).toMatchObject({ removed: 1 })
    expect(await cliJson(['cache', 'verify'], { cwd })).toMatchObject({ vectors: 39, bad: [] })
    // The one that was deleted is embedded again.
    expect(await cliJson(['embed', '--base', 'hashing', 'd.json', '--dimensions', '16', '--quiet'], { cwd })).toMatchObject({
      misses: 1,
    })

    expect(await cliJson(['cache', 'prune', '--older-than-days', '1'], { cwd })).toMatchObject({ vectors: 0 })
    expect(await cliJson(['cache', 'prune', '--space', '@8'], { cwd })).toMatchObject({ vectors: 20, spaces: 1 })
    expect(await cliJson(['cache', 'prune', '--all'], { cwd })).toMatchObject({ vectors: 20, spaces: 1 })
    expect(await cliJson(['cache', 'stats'], { cwd })).toMatchObject({ vectors: 0, spaces: [] })
  })

  test('a file that is missing or no cache fails, is not made and not touched', async () => {
    const cwd = folderWith({ 'note.txt': 'dear diary' })
    const missing = await cli(['cache', 'stats', '--json'], { cwd })
    expect(missing.code).toBe(1)
    expect(JSON.parse(missing.stdout).error).toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringMatching(/--cache FILE/),
    })
    expect(existsSync(join(cwd, 'cache'))).toBe(false)
    const other = await cli(['cache', 'verify', '--cache', 'note.txt'], { cwd })
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/note\.txt.*not an SQLite database/) })
    writeFileSync(join(cwd, 'empty.sqlite'), '')
    expect(await cliJson(['cache', 'stats', '--cache', 'empty.sqlite'], { cwd })).toMatchObject({ vectors: 0 })
  })
})
