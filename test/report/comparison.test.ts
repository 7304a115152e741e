import { expect, test } from 'vitest'
import { renderReport } from '../../src/report/index.js'
import { sampleComparison } from './sample-comparison.js'

const titleOf = (html: string) => /<h1>(.*?)<\/h1>/s.exec(html)![1].replaceAll('\u00A0', ' ')

test('the first sentence names the best and what cannot be told from it', async () => {
  const found = '(nDCG@10 0.600, 95% interval 0.570 to 0.630)'
  const sentences = [
    [sampleComparison(), `tuned is significantly better than every other candidate ${found}.`],
    [sampleComparison({ tied: 1 }), `tuned has the best mean ${found}; base does not differ significantly from it.`],
    [sampleComparison({ tied: 2 }), `tuned has the best mean ${found}; no other candidate differs significantly from it.`],
    [
      sampleComparison({ names: ['a', 'b', 'c', 'd', 'e', 'f'], tied: 4 }),
      `a has the best mean ${found}; b, c and 2 others do not differ significantly from it.`,
    ],
    [sampleComparison({ names: ['only'] }), 'only scores nDCG@10 0.600, 95% interval 0.570 to 0.630.'],
  ] as const
  for (const [report, sentence] of sentences) {
    expect(titleOf(await renderReport('r.html', report))).toBe(sentence)
    expect((await renderReport('r.md', report)).split('\n')[0].replaceAll('\\', '')).toBe(`**${sentence}**`)
  }
})

test('every candidate, every pair, what they cost and the command are there as tables', async () => {
  const markdown = await renderReport('r.md', sampleComparison({ tied: 1 }))
  expect(markdown).toContain('### Leaderboard\n\n| candidate |  | nDCG@10 |')
  expect(markdown).toContain('| 2. base | not significantly different | 0.550 | 0.520 to 0.580 | −0.050 |')
  expect(markdown).toContain('| candidate |  | nDCG@10 | recall@10 | hit rate@1 |')
  expect(markdown).toContain('| base | not significantly different | 0.550 (0.520 to 0.580) |')
  expect(markdown).toContain('| tuned | small | +0.100 | +0.080 to +0.120 | \\< 0.001 | \\< 0.001 |')
  expect(markdown).toContain('| base | small | +0.050 |')
  expect(markdown).toContain('| tuned | 0.600 | 0.32 | 12.90 | 1,536 | 5.53 MB | 6.14 GB |')
  expect(markdown).toContain('| base | 0.550 | free | not timed | 768 |')
  expect(markdown).toContain('| small | 0.500 | unknown | 12.50 | 512 |')
  expect(markdown).toContain('```sh\nadapter-train compare --data test.json --candidate tuned\n```')
  expect(markdown).toContain('- the time of a query could not be measured')
})

test('the page draws every metric, the differences to the best, and room where it differs', async () => {
  const html = await renderReport('r.html', sampleComparison())
  expect([...html.matchAll(/<h2 id="(\w+)"/g)].map(([, id]) => id)).toEqual([
    'warnings',
    'leaderboard',
    'scores',
    'pairs',
    'costs',
    'data',
    'reproduce',
  ])
  // Three metrics, the differences and the room, each wide and narrow.
  expect(html.match(/<svg[^>]*role="img"/g)?.length).toBe(10)
  const same = sampleComparison()
  const candidates = same.comparison.candidates.map(one => ({ ...one, indexBytesPerMillion: 1e9 }))
  const level = await renderReport('r.html', { ...same, comparison: { ...same.comparison, candidates } })
  expect(level.match(/<svg[^>]*role="img"/g)?.length).toBe(8)
  for (const text of [html, level]) {
    expect(text.replace(/<(script|style)>.*?<\/\1>/gs, '')).not.toMatch(/undefined|NaN|Infinity|\[object/)
  }
})

test('names of candidates are shown and do nothing', async () => {
  const hostile = ['</script><script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '| ` # مرحبا']
  const plain = await renderReport('r.html', sampleComparison({ names: ['aa', 'bb', 'cc'] }))
  const html = await renderReport('r.html', sampleComparison({ names: hostile }))
  // Between quotes a sign of a tag is none.
  const tags = (page: string) => (page.replace(/="[^"]*"/g, '').match(/<[a-z!/]/gi) ?? []).length
  expect(tags(html)).toBe(tags(plain))
  expect(await renderReport('r.md', sampleComparison({ names: hostile }))).toContain('| \\| \\` \\# مرحبا |')
})

test('equal comparisons give equal files', async () => {
  for (const path of ['r.html', 'r.md']) {
    expect(await renderReport(path, sampleComparison())).toBe(await renderReport(path, sampleComparison()))
  }
})
