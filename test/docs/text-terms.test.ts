import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createDirection, createTerms } from '../../src/adapters/terms.js'
import { encodeTerms } from '../../src/adapters/terms-file.js'
import { createTokenizer } from '../../src/terms/tokens.js'
import { buildWords } from '../../src/train/terms/corpus-terms.js'
import { randomMatrix } from '../contracts/engine/support.js'
import { pythonWith, runPython } from '../helpers/python.js'

const folder = mkdtempSync(join(tmpdir(), 'terms-reader-'))
afterAll(() => rmSync(folder, { recursive: true }))

const python = pythonWith('numpy')
const page = readFileSync(new URL('../../docs/text-terms.md', import.meta.url), 'utf8')
const reader = /```python\n([\s\S]*?)```/.exec(page)![1]

const TEXTS = [
  'Card PIN blocked: 10-K of 12/31/2019',
  'getUserName in snake_case',
  'Companies’ buses and glasses',
  'Straße Café हिन्दी',
]
const QUERIES = [...TEXTS, 'is it', 'XMLHttpRequest blocks a company', 'STRASSE cafe', 'nothing known', '']

test.skipIf(python === undefined).each([
  [300, true],
  [300, false],
  [12, true],
])('the reader in NumPy gives the directions of this package at %i dimensions, English: %s', (d, english) => {
  const documents = { ids: TEXTS.map((_, i) => `${i}`), texts: TEXTS, vectors: randomMatrix(TEXTS.length, d, 3) }
  const analysis = { english, common: [] }
  const [from] = buildWords(documents, analysis, [100])
  const corpus = { documents: 4, date: '2025-01-02T03:04:05.000Z', sha256: '' }
  const terms = createTerms({ source: 'words', alpha: 1, corpus, proven: true }, analysis, from)
  writeFileSync(join(folder, 'x.bin'), encodeTerms(terms))
  const program = `${reader}\ntable = load(sys.argv[1])\nprint(json.dumps([direction(*table, q).tolist() for q in json.loads(sys.argv[2])]))`
  const found = JSON.parse(runPython(python!, program, [join(folder, 'x.bin'), JSON.stringify(QUERIES)])) as number[][]
  const direction = createDirection(from, createTokenizer(analysis))
  QUERIES.forEach((query, i) => {
    direction(query).forEach((value, j) => {
      expect(Math.abs(value - found[i][j]), query).toBeLessThan(1e-6)
    })
  })
})
