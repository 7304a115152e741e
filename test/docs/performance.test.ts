import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ROOT, textOf } from './pages.js'

const { sectionIn, writeSection } = await import(join(ROOT, 'bench/page.mjs'))
const { speedSection } = await import(join(ROOT, 'bench/speed-table.mjs'))
const file = join(ROOT, 'bench/speed.json')

const row = (engine: string, dim: number, batch: number, msPerStep: number, more = {}) => ({
  engine,
  dim,
  batch,
  msPerStep,
  secondsPerEpoch: msPerStep / 10,
  ...more,
})
const SAMPLE = {
  date: '2026-12-01',
  machine: { cpu: 'A processor', threads: 2, node: 'v20.20.2' },
  load: { before: 0.1, after: 1.9 },
  seconds: 400,
  cpu: 'onnxruntime 1.30.0, 2 threads',
  torch: { version: '2.15.0', blas: 'oneMKL 2024.0, AVX-512' },
  steps: [
    row('cpu', 384, 32, 1, { timesFasterThanStacked: 2 }),
    row('torch:stacked', 384, 32, 2),
    row('cpu', 1536, 1024, 120, { timesFasterThanStacked: 0.9 }),
    row('torch:stacked', 1536, 1024, 108),
    row('cpu', 384, 128, 4, { timesFasterThanLlamaindex: 9.5 }),
    row('torch:llamaindex', 384, 10, 38),
  ],
  whole: { rows: [{ set: 'potion-base-2M/finance10k', ours: 2, recipe: 3, ratio: 1.5 }], blas: 'OpenBLAS, Haswell' },
}

describe('the speed table', () => {
  test('has a row for every size, in bold where PyTorch is faster, and says where', () => {
    const section: string = speedSection(SAMPLE)
    expect(section).toContain('| 384 | 32 | 1.00 | 2.00 | 2.00x |')
    expect(section).toContain('| 1,536 | 1,024 | 120 | 108 | **0.90x** |')
    expect(section).toContain('PyTorch is faster at 1,536 dimensions with a batch of 1,024.')
    expect(section).toContain('| 384 | 0.400 | 3.80 | 9.50x |')
    expect(section).toContain('| potion-base-2M/finance10k | 2.00 | 3.00 | 1.50x |')
    expect(section).toContain('oneMKL 2024.0, AVX-512')
    expect(speedSection({ ...SAMPLE, whole: undefined })).not.toContain('whole run')
  })

  test('replaces its section of a page and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'page-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const page = join(folder, 'page.md')
    writeFileSync(page, 'before\n\n<!-- speed -->\n\nold\n\n<!-- /speed -->\n\nafter\n')
    writeSection(page, 'speed', 'new')
    expect(readFileSync(page, 'utf8')).toBe('before\n\n<!-- speed -->\n\nnew\n\n<!-- /speed -->\n\nafter\n')
    expect(() => writeSection(page, 'other', 'new')).toThrow('no section <!-- other -->')
  })

  test('stands on its page where the command writes it', () => {
    expect(sectionIn(textOf('docs/performance.md'), 'speed')).toContain('| dimensions | batch |')
  })

  test('is the one of the results', () => {
    const results = JSON.parse(readFileSync(file, 'utf8'))
    expect(sectionIn(textOf('docs/performance.md'), 'speed')).toBe(speedSection(results))
  })
})
