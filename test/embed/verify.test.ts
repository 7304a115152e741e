import { expect, test } from 'vitest'
import { memoryCache } from '../../src/cache/memory-cache.js'
import { VERIFY_BOUND } from '../../src/cli/commands/embed.js'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { verifyCached } from '../../src/embed/verify.js'
import { customProvider } from '../../src/providers/custom.js'

const texts = Array.from({ length: 30 }, (_, i) => `text ${i}`)
const vectorOf = (text: string, noise: number, length = 8): number[] =>
  Array.from({ length }, (_, j) => Math.sin(7 * j + Number(text.slice(5))) + noise * Math.cos(31 * j))
const model = (noise: number, length = 8) => {
  const asked: string[] = []
  const embed = (list: string[]) => {
    asked.push(...list)
    return list.map(text => vectorOf(text, noise, length))
  }
  return { asked, provider: customProvider({ id: 'acme/one', embed }) }
}

test('embeds a sample of cached texts again and tells rounding from another model under the same name', async () => {
  const cache = memoryCache()
  await embedTexts(model(0).provider, texts.slice(0, 20), 'document', { cache })
  const verify = (noise: number, length?: number) => {
    const { provider, asked } = model(noise, length)
    const options = { count: 12, seed: 3 }
    return verifyCached(provider, { query: [], document: texts }, cache, options).then(report => ({ report, asked }))
  }
  const same = await verify(0)
  expect(same.report).toMatchObject({ texts: 12 })
  expect(same.report.largest).toBeLessThan(1e-6)
  expect(new Set(same.asked).size).toBe(12)
  expect(same.asked.every(text => texts.indexOf(text) < 20)).toBe(true)
  expect((await verify(1e-3)).report.largest).toBeLessThan(VERIFY_BOUND)
  const { report } = await verify(0.3)
  expect(report.largest).toBeGreaterThan(VERIFY_BOUND)
  expect(report.mean).toBeLessThan(report.largest)
  expect((await verify(0)).report).toEqual(same.report)
  await expect(verify(0, 9)).rejects.toThrow(/8 values that the cache has, found 9: the model has changed/)
})

test('compares vectors of zeros: two do not differ, and one beside another is a model that has changed', async () => {
  const cache = memoryCache()
  const two = (first: number[], second: number[]) =>
    customProvider({ id: 'acme/zero', embed: asked => asked.map(text => (text === 'text 0' ? first : second)) })
  await embedTexts(two([0, 0], [1, 0]), texts.slice(0, 2), 'document', { cache })
  const verify = (first: number[], second: number[]) =>
    verifyCached(two(first, second), { query: [], document: texts }, cache, { count: 5, seed: 1 })
  expect(await verify([0, 0], [2, 0])).toEqual({ texts: 2, largest: 0, mean: 0 })
  expect(await verify([0, 0], [0, 1])).toEqual({ texts: 2, largest: 1, mean: 0.5 })
  expect(await verify([3, 0], [1, 0])).toEqual({ texts: 2, largest: 1, mean: 0.5 })
})

test('says so if the cache has none of the texts', async () => {
  const verify = verifyCached(model(0).provider, { query: texts, document: [] }, memoryCache(), { count: 5, seed: 1 })
  await expect(verify).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringContaining('found none'),
  })
})
