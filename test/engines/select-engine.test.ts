import { expect, test } from 'vitest'
import { createEngine, selectEngine } from '../../src/engines/index.js'

test('with auto, a named device that is not there is a warning', async () => {
  const { engine, warning } = await selectEngine('auto', { device: 'no such device' })
  expect(engine.name).toBe('cpu')
  expect(warning).toMatch(/^WebGPU failed to start: .*; training runs on the CPU instead$/s)
  engine.dispose()
})

test.each(['cpu', 'js'])('%s has no device to choose', async name => {
  await expect(createEngine(name, { device: 'software' })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(`--engine-device has no effect with --engine ${name}`),
  })
})
