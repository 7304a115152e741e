import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli, cliJson, folderWith } from './cli.js'
import { shifted } from './data.js'

const cwd = folderWith({
  'train.json': shifted({ from: 0, to: 50, shift: 1 }),
  'test.json': shifted({ from: 40, to: 70, shift: 1, seed: 1 }),
})
const COMMON = ['--base', 'hashing', '--dimensions', '48', '--cache', 'none']
const DATA = [...COMMON, '--train', 'train.json', '--tune', 'off', '--epochs', '3']
const TRAIN = [...DATA, '--test', 'test.json', '--val-fraction', '0']
const read = (name: string) => readFileSync(join(cwd, name), 'utf8')

describe.concurrent('--report', () => {
  test('train and evaluate write the same answer, print where, and keep JSON one object', async () => {
    const trained = await cli([...TRAIN, '--out', 'a.json', '--report', 'a.html'], { cwd })
    expect(trained).toMatchObject({ code: 0 })
    expect(trained.stdout.trimEnd().split('\n').at(-1)).toBe('report     a.html')
    const evaluate = ['evaluate', ...COMMON, '--data', 'test.json', '--train', 'train.json', '--adapter', 'a.json']
    const { metrics } = await cliJson<{ metrics: { adapted: Record<string, number> } }>(
      [...evaluate, '--report', 'reports/a.md'],
      { cwd },
    )
    const sentence = /\*\*(.*)\*\*/.exec(read('reports/a.md'))![1].replaceAll('\\', '')
    expect(sentence).toContain(metrics.adapted['ndcg@10'].toFixed(3))
    expect(read('a.html')).toContain(`<h1>${sentence.replaceAll(' %', '\u00A0%')}</h1>`)
    for (const id of ['metrics', 'seen', 'changes', 'ranks', 'scores', 'training', 'data', 'reproduce'])
      expect(read('a.html')).toContain(`<h2 id="${id}"`)
    expect(read('reports/a.md')).toContain('adapter-train evaluate --base hashing --dimensions 48')
  })

  test('wins and losses are shown with the texts of their documents', async () => {
    await cli([...TRAIN, '--metric', 'map@100', '--out', 'b.json', '--report', 'b.html'], { cwd })
    const test = JSON.parse(read('test.json')) as { corpus: Record<string, string> }
    const html = read('b.html')
    expect(html).toContain('<b>Relevant:</b>')
    expect(Object.values(test.corpus).some(text => html.includes(`<bdi dir="auto">${text.slice(0, 40)}`))).toBe(true)
  })

  test('a base alone and k-fold are reported too', async () => {
    const alone = await cli(['evaluate', ...COMMON, '--data', 'test.json', '--report', 'base.html'], { cwd })
    expect(alone.code).toBe(0)
    expect(read('base.html')).toMatch(/<h1>hashing\S* scores nDCG@10 0\.\d{3} on 60 queries\.<\/h1>/)
    const folds = await cli([...DATA, '--k-fold', '2', '--out', 'k.json', '--report', 'k.html'], { cwd })
    expect(folds.code).toBe(0)
    expect(read('k.html')).toContain('<h2 id="ranks"')
    expect(read('k.html')).not.toContain('<h2 id="scores"')
  })

  test('a sweep is reported with every combination, the best of which is proven on the test set', async () => {
    const grid = ['--grid', 'pull=3,1000', '--grid', 'epochs=6', '--grid', 'scale=8']
    const words = ['sweep', ...COMMON, '--train', 'train.json', '--test', 'test.json', ...grid, '--out', 's.json']
    const run = await cliJson<{ sweep: { lines: { score: number }[] } }>([...words, '--report', 's.html'], { cwd })
    const html = read('s.html')
    for (const id of ['metrics', 'changes', 'sweep', 'reproduce']) expect(html).toContain(`<h2 id="${id}"`)
    expect(html).toContain('pull 1000, epochs 6, scale 8')
    for (const { score } of run.sweep.lines) expect(html).toContain(`<td>${score.toFixed(3)}</td>`)
  })

  test('a comparison is reported with every candidate and pair', async () => {
    const words = ['compare', '--data', 'test.json', '--cache', 'none', '--candidate', 'hashing@48', '--candidate', 'hashing@96']
    const { candidates } = await cliJson<{ candidates: { name: string }[] }>([...words, '--report', 'c.html'], { cwd })
    for (const id of ['scores', 'pairs', 'costs', 'data', 'reproduce']) expect(read('c.html')).toContain(`<h2 id="${id}"`)
    expect(read('c.html')).toMatch(new RegExp(`<h1>${candidates[0].name} (is the best|has the best mean) `))
    const { code, stderr } = await cli([...words, '--estimate', '--report', 'never.md'], { cwd })
    expect([code, stderr]).toEqual([2, expect.stringContaining('--estimate measures nothing')])
  })

  test('a name of no known format, a folder and an input are refused before any work', async () => {
    for (const [name, words] of [
      ['x.pdf', 'expected a name that ends in .html or .md'],
      ['reports.html/', 'is a folder'],
    ]) {
      const { code, stderr } = await cli([...TRAIN, '--out', 'never.json', '--report', name], { cwd })
      expect([code, stderr]).toEqual([2, expect.stringContaining(words)])
    }
    const { code, stderr } = await cli([...TRAIN, '--out', 'never.html', '--report', 'never.html'], { cwd })
    expect([code, stderr]).toEqual([2, expect.stringContaining('would overwrite')])
    expect(existsSync(join(cwd, 'never.json'))).toBe(false)
  })
})
