import { expect, test } from 'vitest'
import { verdictOf } from '../../src/report/gain-page.js'
import { renderReport } from '../../src/report/index.js'
import { sampleReport } from './sample-report.js'

/** What a hostile or unlucky text may hold. */
const TEXTS = [
  '</script><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  '<!-- ]]> </style></title>',
  'مرحبا بالعالم \u202Eabc',
  '👩‍👩‍👧 emoji',
  'half \uD83D and \u0000 nul',
]

test('a proven gain is told to be kept, in the first sentence of page and text', async () => {
  const report = sampleReport()
  const sentence = 'nDCG@10 rises from 0.490 to 0.528, 95% interval +0.016 to +0.059; keep it.'
  expect(verdictOf(report)).toEqual({ tone: 'good', text: sentence })
  expect((await renderReport('r.md', report)).split('\n')[0]).toBe(`**${sentence}**`)
  expect(await renderReport('r.html', report)).toContain(`<h1>${sentence}</h1>`)
})

test('what a search by words adds is told with what pays, or why it was not measured', async () => {
  const markdown = await renderReport('r.md', sampleReport())
  expect(markdown).toContain('What pays: a tuned hybrid with the adapter (ndcg@10 0.6600).')
  expect(markdown).toMatch(/\| the adapter \| 0\.528 \| 0\.570 \| 0\.660 \| 0\.60 \|/)
  expect(await renderReport('r.md', { ...sampleReport(), hybrid: 'not measured on 9 queries' })).toContain(
    'Hybrid search was not measured on 9 queries.',
  )
})

test('a gain whose interval holds zero is told not to be shipped', () => {
  const { tone, text } = verdictOf(sampleReport({ gain: [0.004, -0.01, 0.02] }))
  expect(tone).toBe('bad')
  expect(text).toBe(
    'The difference from the base model is not significant (nDCG@10 0.490 and 0.494, 95% interval −0.010 to +0.020); do not ship the adapter.',
  )
})

test('a loss is told as a loss', () => {
  const { tone, text } = verdictOf(sampleReport({ gain: [-0.04, -0.06, -0.02] }))
  expect(tone).toBe('bad')
  expect(text).toBe('nDCG@10 falls from 0.490 to 0.450, 95% interval −0.060 to −0.020; do not ship it.')
})

test('an interval that ends exactly at zero is no proof', () => {
  expect(verdictOf(sampleReport({ gain: [0.01, 0, 0.02] })).text).toContain('is not significant')
  expect(verdictOf(sampleReport({ gain: [-0.01, -0.02, 0] })).text).toContain('is not significant')
})

test('where the gate closed nothing was put in use, whatever the figures', () => {
  const { tone, text } = verdictOf(sampleReport({ kept: false }))
  expect(tone).toBe('bad')
  expect(text).toContain('nothing was put in use')
})

test('where the adapter in use stays, a gain over the base is no advice to keep the new one', () => {
  const reason = 'against the adapter in use, on 60 queries: ndcg@10 -0.010; --replace significant: not replaced'
  const duel = { rule: 'significant', replaces: false, reason, queries: 60, metric: 'ndcg@10' } as const
  expect(verdictOf({ ...sampleReport(), duel })).toEqual({ tone: 'neutral', text: `Not put in use: ${reason}.` })
  expect(verdictOf({ ...sampleReport(), duel: { ...duel, replaces: true } }).tone).toBe('good')
})

test('an adapter that was kept against the gate is not recommended', () => {
  const report = sampleReport()
  const { tone, text } = verdictOf({ ...report, gate: { ...report.gate!, passed: false } })
  expect(tone).toBe('neutral')
  expect(text).toContain('had not passed the gate, which was off')
})

test('a base alone and a run without a measurement are told as they are', async () => {
  const { base, metric, data, facts, warnings, reproduce, metrics } = sampleReport()
  const bare = { base, metric, data, facts, warnings, reproduce }
  expect(verdictOf({ ...bare, queries: 1, metrics: { base: metrics!.base } }).text).toBe(
    'openai/text-embedding-3-small scores nDCG@10 0.490 on 1 query.',
  )
  expect(verdictOf(bare).text).toContain('not measured')
  for (const path of ['r.html', 'r.md']) expect(await renderReport(path, bare)).not.toContain('undefined')
})

test('every section is there, with a table for every chart', async () => {
  const html = await renderReport('r.html', sampleReport())
  const ids = [...html.matchAll(/<h2 id="(\w+)"/g)].map(([, id]) => id)
  expect(ids).toEqual([
    'warnings',
    'metrics',
    'seen',
    'hybrid',
    'changes',
    'ranks',
    'scores',
    'index',
    'training',
    'tuning',
    'data',
    'reproduce',
  ])
  expect(html.match(/<svg[^>]*role="img"/g)?.length).toBe(18)
  expect(html.match(/<details><summary>Show the figures as a table/g)?.length).toBe(7)
  expect(html).toContain('&#39;my report.html&#39;')
})

test('a sweep shows its combinations best first, marks the proven ones, and lists the base below', async () => {
  const line = (pull: number, score: number, holm: number) => ({
    options: { pull, batchSize: 8 },
    score,
    difference: { mean: score - 0.4, low: score - 0.45, high: score - 0.35, p: holm / 2, holm },
    seconds: 1.5,
  })
  const lines = [line(10, 0.5, 0.001), line(100, 0.45, 0.06)]
  const sweep = { runs: 2, queries: 90, pairs: 90, documents: 50, folds: 5, metric: 'ndcg@10', base: 0.4, lines }
  const report = { ...sampleReport(), tune: undefined, sweep }
  const markdown = await renderReport('r.md', report)
  expect(markdown).toContain('2 combinations by cross-validation in 5 folds over 90 queries, ')
  expect(markdown).toContain('3.0 s; 1 is better than the base model after correction')
  const rows = markdown.slice(markdown.indexOf('### Combinations')).split('\n')
  const named = rows.filter(row => /^\| (pull|base) /.test(row))
  expect(named.map(row => row.split('|')[1].trim())).toEqual(['pull 10, batch-size 8', 'pull 100, batch-size 8', 'base'])
  const html = await renderReport('r.html', report)
  const section = html.slice(html.indexOf('<h2 id="sweep"'), html.indexOf('<h2 id="training"'))
  expect(section.match(/<circle/g)?.length).toBe(4)
  expect(section).not.toMatch(/undefined|NaN/)
})

test('nothing is left undefined or not a number', async () => {
  for (const path of ['r.html', 'r.md']) {
    const text = await renderReport(path, sampleReport())
    expect(text.replace(/<(script|style)>.*?<\/\1>/gs, '')).not.toMatch(/undefined|NaN|Infinity|\[object/)
  }
})

test('the page names nothing outside itself', async () => {
  const html = await renderReport('r.html', sampleReport({ text: 'see https://example.com/x' }))
  const references = [...html.matchAll(/\b(?:src|href|action)\s*=\s*["']?([^"'\s>]*)/gi)].map(([, target]) => target)
  expect(references.length).toBeGreaterThan(5)
  expect(references.filter(target => !/^(#|data:)/.test(target))).toEqual([])
  expect(html).not.toMatch(/url\(|@import/i)
})

test.each(TEXTS)('the text %j is shown and does nothing', async text => {
  const plain = await renderReport('r.html', sampleReport({ text: 'plain', documentText: 'plain' }))
  const html = await renderReport('r.html', sampleReport({ text, documentText: text }))
  const tags = (page: string) => (page.match(/<[a-z!/]/gi) ?? []).length
  expect(tags(html)).toBe(tags(plain))
  expect(html).not.toMatch(/\p{Surrogate}/u)
  expect(html).not.toContain('\u0000')
})

test('texts do not break the tables of a pull request', async () => {
  const markdown = await renderReport('r.md', sampleReport({ text: 'a | b\n# c <img src=x> `d`' }))
  expect(markdown).toContain('| better | a \\| b \\# c \\<img src=x\\> \\`d\\` (0) |')
})

test('a pull request gets tables, warnings and the command', async () => {
  const markdown = await renderReport('r.md', sampleReport())
  expect(markdown).toContain('- 12 queries of the test set are in the training set too')
  expect(markdown).toContain('| nDCG@10 | 0.490 | 0.528 | +0.038 | +0.016 to +0.059 | \\< 0.001 |')
  expect(markdown).toContain("```sh\nadapter-train train --base openai --train train.json --report 'my report.html'\n```")
})

test('equal reports give equal files', async () => {
  for (const path of ['r.html', 'r.md']) {
    expect(await renderReport(path, sampleReport())).toBe(await renderReport(path, sampleReport()))
  }
})

test('a report over 100,000 queries stays under 5 MB', async () => {
  const html = await renderReport('r.html', sampleReport({ queries: 100_000 }))
  expect(Buffer.byteLength(html)).toBeLessThan(5e6)
  expect(html).toContain('The stronger the colour of a square, the more queries it holds')
})

test('2,000 queries are drawn as points, one each', async () => {
  const html = await renderReport('r.html', sampleReport({ queries: 2000 }))
  const ranks = html.slice(html.indexOf('<h2 id="ranks"'), html.indexOf('<h2 id="scores"'))
  expect(ranks.match(/<circle/g)?.length).toBe(4000)
  expect(Buffer.byteLength(html)).toBeLessThan(2e6)
})

test('a single query with everything the same is drawn', async () => {
  const report = sampleReport({ queries: 1, gain: [0, 0, 0] })
  const one = Float32Array.of(0.5)
  const scores = { positives: one, hardestNegatives: one }
  const ranks = { base: Uint32Array.of(1), adapted: Uint32Array.of(1), depth: 1 }
  const detail = { ranks, scores: { base: scores, adapted: scores }, wins: [], losses: [] }
  const html = await renderReport('r.html', { ...report, detail, epochs: report.epochs!.slice(0, 1) })
  expect(html).not.toMatch(/NaN/)
})

test('a name that asks for no known format is refused', async () => {
  await expect(renderReport('report.pdf', sampleReport())).rejects.toMatchObject({
    code: 'USAGE',
    message: '--report report.pdf: expected a name that ends in .html or .md',
  })
})
