import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect } from 'vitest'
import { makeTinyModel, type TinyModelOptions } from '../../scripts/make-tiny-model.js'
import type { EmbeddingProvider, ProviderOptions, Role } from '../../src/providers/provider.js'
import { sbert } from '../../src/providers/sbert.js'

const root = mkdtempSync(join(tmpdir(), 'sbert-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let models = 0
/** A tiny model in a folder `name` of its own. */
export const tiny = (options: TinyModelOptions = {}, name = 'tiny-bert') =>
  makeTinyModel(join(root, String(models++), name), options)

const open: EmbeddingProvider[] = []
afterEach(async () => {
  for (const provider of open.splice(0)) await provider.close?.()
})
/** A provider that is closed after the test. */
export async function create(options: ProviderOptions): Promise<EmbeddingProvider> {
  const provider = await sbert.create(options)
  open.push(provider)
  return provider
}
/** The vector of one text under a provider of its own. */
export async function embedOne(options: ProviderOptions, text: string, role: Role = 'query') {
  return (await (await create(options)).embed([text], role))[0]
}

export function expectVector(actual: Float32Array, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length)
  for (const [k, value] of expected.entries()) expect(actual[k]).toBeCloseTo(value, 5)
}
