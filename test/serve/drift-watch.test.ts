import { expect, test } from 'vitest'
import type { Adapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { familiarityOf } from '../../src/drift/familiarity.js'
import { matrix, row } from '../../src/math/matrix.js'
import { createDriftWatch } from '../../src/serve/drift-watch.js'
import { createMetrics } from '../../src/serve/metrics.js'
import { fakeVector } from '../helpers/fake-vector.js'
import { adapterFor, D, MODEL, metric, startServing } from './serving.js'

/** An adapter trained on the given vectors, as far as its sketch goes. */
function trainedOn(vectors: readonly ArrayLike<number>[], scale = 1): Adapter {
  const queries = matrix(vectors.length, D)
  for (const [i, vector] of vectors.entries()) row(queries, i).set(vector)
  const adapter = adapterFor(scale)
  const familiarity = familiarityOf(queries, 1)
  return { ...adapter, training: { ...adapter.training, familiarity } }
}

const texts = Array.from({ length: 60 }, (_, i) => `text ${i}`)
const alike = (axis: number, count = 60) =>
  Array.from({ length: count }, (_, i) => Array.from({ length: D }, (_, j) => (j === axis ? 9 : Math.sin(i * D + j))))

test('unfamiliar queries are measured and warned of once, and a new adapter starts anew', async () => {
  const s = await startServing({ watchIntervalMs: 20 })
  const ask = async () => {
    const answer = await s.post('/v1/embeddings', { model: `${MODEL}:query`, input: texts })
    expect(answer.status).toBe(200)
  }
  const share = () => metric(s, 'adapter_train_unfamiliar_share{adapter="default"}')
  const take = async (adapter: Adapter) => {
    const { version } = s.server.adapters[0]
    saveAdapter(adapter, s.path)
    await expect.poll(() => s.server.adapters[0].version).not.toBe(version)
  }
  await ask()
  expect(await metric(s, 'adapter_train_unfamiliar_share_training{adapter="default"}')).toBe(0)
  await take(trainedOn(alike(0), 2))
  await ask()
  await ask()
  expect(await share()).toBeGreaterThan(0.9)
  expect(await metric(s, 'adapter_train_unfamiliar_share_training{adapter="default"}')).toBe(0.05)
  expect(await metric(s, 'adapter_train_familiarity_total{adapter="default",familiar="false"}')).toBeGreaterThan(100)
  const warnings = () => s.log().match(/"level":40.*unlike those of training/g)
  expect(warnings()).toHaveLength(1)
  expect(s.log()).not.toContain(texts[0])
  await take(
    trainedOn(
      texts.map(text => fakeVector(text, D)),
      3,
    ),
  )
  expect(await share()).toBe(0)
  await ask()
  expect(await share()).toBeLessThan(0.1)
  expect(warnings()).toHaveLength(1)
})

test('the share is of the last hour, and a damaged sketch is refused', async () => {
  let minute = 0
  const served = { name: 'x', version: 'v', adapter: trainedOn(alike(0, 100)) }
  const adapters = { names: ['x'], get: () => served, reload() {} }
  const metrics = createMetrics()
  const warnings: object[] = []
  const logger = { warn: (facts: object) => warnings.push(facts) }
  const watch = createDriftWatch({ adapters, metrics, logger: logger as never, now: () => 60_000 * minute })
  const count = (axis: number, times: number) => {
    for (const vector of alike(axis, times)) watch.count(served, Float32Array.from(vector))
  }
  const share = async () => (await metrics.registry.getSingleMetric('adapter_train_unfamiliar_share')!.get()).values[0]?.value
  count(0, 100)
  minute = 30
  count(1, 10)
  expect(await share()).toBeCloseTo(10 / 110, 1)
  expect(warnings).toEqual([])
  minute = 60
  expect(await share()).toBe(1)
  count(1, 40)
  expect(warnings).toEqual([{ adapter: 'x', version: 'v', queries: 50, unfamiliar: 1, training: 0.05 }])
  minute = 121
  expect(await share()).toBeUndefined()
  const damaged = { ...served.adapter.training.familiarity!, data: 7 }
  const broken = {
    ...served,
    adapter: { ...served.adapter, training: { ...served.adapter.training, familiarity: damaged } },
  }
  expect(() => watch.count(broken, new Float32Array(D))).toThrow('training.familiarity is damaged')
})
