import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embedTexts } from '../../src/embed/embed-texts.js'
import { createProvider } from '../../src/providers/index.js'
import { rejection } from '../helpers/rejection.js'

/** Program `infinity_emb` and a model folder, which `.ci/full` installs from PyPI. */
const { ADAPTER_TRAIN_INFINITY: program, ADAPTER_TRAIN_INFINITY_MODEL: model } = process.env

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

describe.skipIf(!program || !model)('infinity, a real server of OpenAI’s protocol', () => {
  let server: ChildProcess
  let baseUrl: string

  beforeAll(async () => {
    const port = await freePort()
    baseUrl = `http://127.0.0.1:${port}/v1`
    const engine = ['--engine', 'torch', '--device', 'cpu', '--no-model-warmup', '--no-bettertransformer']
    const place = ['--host', '127.0.0.1', '--port', String(port), '--url-prefix', '/v1']
    server = spawn(program!, ['v2', '--model-id', model!, '--served-model-name', 'minilm', ...engine, ...place], {
      stdio: 'ignore',
      env: { ...process.env, HF_HUB_OFFLINE: '1', DO_NOT_TRACK: '1', INFINITY_ANONYMOUS_USAGE_STATS: '0' },
    })
    for (let i = 0; i < 600; i++) {
      if (server.exitCode !== null) throw new Error(`${program} ended with ${server.exitCode}`)
      if (
        await fetch(`${baseUrl}/models`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return
      await sleep(500)
    }
    throw new Error('infinity did not answer in five minutes')
  }, 320_000)
  afterAll(() => void server?.kill('SIGKILL'))

  test.each(['vllm', 'openai', 'lmstudio'])('gives the preset %s its vectors, in order, and the usage', async name => {
    const provider = await createProvider(name, { baseUrl, model: 'minilm', maxInputs: 3 })
    const texts = ['The cat sits on the mat.', 'Interest rates rose.', 'A kitten is on the rug.', 'The bank raised its rates.']
    const { vectors, stats } = await embedTexts(provider, texts, 'document')
    expect([vectors.rows, vectors.cols]).toEqual([4, 384])
    const cosine = (i: number, j: number) =>
      Array.from({ length: 384 }, (_, k) => vectors.data[i * 384 + k] * vectors.data[j * 384 + k]).reduce((a, b) => a + b)
    expect(cosine(0, 0)).toBeCloseTo(1, 4)
    expect(Math.min(cosine(0, 2), cosine(1, 3))).toBeGreaterThan(Math.max(cosine(0, 1), cosine(2, 3)) + 0.1)
    expect(JSON.stringify(stats)).toContain('okens')
  })

  test('says that an address lacks its path', async () => {
    const provider = await createProvider('vllm', { baseUrl: baseUrl.replace(/\/v1$/, ''), model: 'minilm' })
    const error = await rejection(provider.embed(['a'], 'query'))
    expect([error.code, error.details.status]).toEqual(['PROVIDER_REQUEST', 404])
    expect(error.message).toContain('which for many servers ends in /v1')
  })
})
