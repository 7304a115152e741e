import { describe, expect, it } from 'vitest'
import {
  findNearDuplicates,
  fingerprints,
  NEAR_IDENTICAL,
  sameTextKey,
  shingleHashes,
  wordHashes,
} from '../../src/dataset/near-duplicates.js'
import { createRandom } from '../../src/math/random.js'
import { rounds } from '../helpers/rounds.js'

const random = createRandom(7)
const words = (n: number): string[] => Array.from({ length: n }, () => `w${random.int(5000)}`)
const texts = (...values: string[]) => new Map(values.map((text, i) => [`${i}`, text]))
const pairs = (found: ReturnType<typeof findNearDuplicates>) => found.map(({ a, b }) => [a, b])

describe('the same text', () => {
  it.each([
    ['How do I reset my PIN?', ' how do  i RESET my pin '],
    ['Straße', 'STRASSE.'],
    ['ｆｕｌｌ width！', 'full width'],
    ['???', '???'],
  ])('%j and %j differ in nothing that counts', (a, b) => {
    expect(sameTextKey(a)).toBe(sameTextKey(b))
    expect(findNearDuplicates(texts(a), texts(b))).toEqual([{ a: '0', b: '0', same: true, similarity: 1 }])
  })

  it.each([
    ['What is C?', 'What is C++?'],
    ['ls -l', 'ls l'],
    ['find . -name', 'find / -name'],
    ['find files of 2020', 'find files of 2021'],
    ['?', '!'],
  ])('%j and %j differ', (a, b) => {
    expect(findNearDuplicates(texts(a), texts(b))).toEqual([])
  })

  it('links every copy to the first', () => {
    expect(pairs(findNearDuplicates(texts('x', 'y', 'X', 'x.', 'z')))).toEqual([
      ['0', '2'],
      ['0', '3'],
    ])
    expect(pairs(findNearDuplicates(texts('x', 'X'), texts('y', 'x', 'x.')))).toEqual([
      ['0', '1'],
      ['0', '2'],
    ])
  })
})

describe('near-identical texts', () => {
  it('share at least the threshold of the runs of five words of the shorter, worked out by hand', () => {
    // 104 words are 100 shingles; each changed word, five apart or more, takes five of them away.
    const original = words(104)
    const changed = (count: number): string =>
      original.map((word, i) => (i % 10 === 4 && i < count * 10 ? 'changed' : word)).join(' ')
    const find = (count: number) => findNearDuplicates(texts(original.join(' ')), texts(changed(count)))
    expect(find(1)).toEqual([{ a: '0', b: '0', same: false, similarity: 0.95 }])
    expect(find(4)[0].similarity).toBe(NEAR_IDENTICAL)
    expect(find(5)).toEqual([])
  })

  it('include a text that the other contains, whichever is the longer, but no mere neighbour that overlaps', () => {
    const long = words(400)
    const part = long.slice(150, 200).join(' ')
    expect(pairs(findNearDuplicates(texts(long.join(' ')), texts(part)))).toEqual([['0', '0']])
    expect(pairs(findNearDuplicates(texts(part), texts(long.join(' '))))).toEqual([['0', '0']])
    const overlapping = [...long.slice(320), ...words(320)].join(' ')
    expect(findNearDuplicates(texts(long.join(' ')), texts(overlapping))).toEqual([])
  })

  it('need twelve words; below that only the same text counts', () => {
    const twelve = words(12)
    expect(findNearDuplicates(texts(twelve.join(' ')), texts(`${twelve.join(', ')}!`))).toHaveLength(1)
    expect(findNearDuplicates(texts(twelve.slice(1).join(' ')), texts(twelve.slice(1).join(', ')))).toEqual([])
  })

  it('are found in a script without spaces', () => {
    const text = '適応器は検索の質問側だけを変換し文書の索引には触れないので再計算の必要がない'
    expect(findNearDuplicates(texts(text), texts(text.replace('触れない', '触れません')))).toHaveLength(1)
    expect(findNearDuplicates(texts(text), texts(text.split('').reverse().join('')))).toEqual([])
  })

  it('are found among many texts that share boilerplate, and only they', () => {
    const boilerplate = words(30).join(' ')
    const all = Array.from({ length: 600 }, () => `${boilerplate} ${words(90).join(' ')}`)
    const twin = all[17].split(' ').with(100, 'edited').join(' ')
    expect(pairs(findNearDuplicates(texts(...all), texts('other', twin)))).toEqual([['17', '1']])
    expect(pairs(findNearDuplicates(texts(...all, twin)))).toEqual([['17', '600']])
  })

  it('link a long chain of versions within one collection', () => {
    const version = words(120)
    const all = Array.from({ length: 50 }, (_, i) => {
      version[i * 2] = `edit${i}`
      return version.join(' ')
    })
    const linked = new Set(findNearDuplicates(texts(...all)).map(({ b }) => b))
    expect(linked.size).toBe(49)
  })
})

describe('fingerprints', () => {
  it('of texts with twelve words in a row in common have one in common, wherever they stand', () => {
    for (let round = 0; round < rounds(300); round++) {
      const common = words(12)
      const [a, b] = [0, 1].map(() => [...words(random.int(30)), ...common, ...words(random.int(30))].join(' '))
      const [first, second] = [a, b].map(text => new Set(fingerprints(shingleHashes(wordHashes(text)))))
      expect([...first].some(hash => second.has(hash))).toBe(true)
    }
  })

  it('are about one in four or five shingles', () => {
    const shingles = shingleHashes(wordHashes(words(9004).join(' ')))
    expect(shingles).toHaveLength(9000)
    const share = fingerprints(shingles).length / 9000
    // Winnowing keeps 2 / (window + 1) of them.
    expect(share).toBeGreaterThan(0.2)
    expect(share).toBeLessThan(0.25)
  })
})
