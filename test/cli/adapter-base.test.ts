import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTinyModel } from '../../scripts/make-tiny-model.js'
import { loadAdapter, saveAdapter } from '../../src/index.js'
import { providerNames } from '../../src/providers/index.js'
import { startFakeCohere } from '../helpers/fake-cohere.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { cli, cliJson, folderWith, llamaIndex, startCli } from './cli.js'

const cwd = folderWith({ 'd.json': llamaIndex(12) })
const KEYS = { OPENAI_API_KEY: 'sk-a', CO_API_KEY: 'co-a' }
const QUICK = ['--train', 'd.json', '--test-fraction', '0', '--tune', 'off', '--epochs', '1', '--cache', 'none']
const services: FakeService[] = []
let openai: FakeService
let cohere: FakeService
beforeAll(async () => {
  openai = await startFakeOpenAI({ dimensions: 8 })
  cohere = await startFakeCohere({ dimensions: 8 })
  services.push(openai, cohere)
  makeTinyModel(join(cwd, 'a/onnx'))
  makeTinyModel(join(cwd, 'b/onnx'), { sentenceEmbedding: true })
})
afterAll(async () => {
  for (const service of services) await service.close()
})

/** What the base needs besides its file: where the service's own address is not used. */
const BASES: Readonly<Record<string, { train: () => string[]; use: () => string[]; env?: () => Record<string, string> }>> = {
  openai: {
    train: () => ['--base', 'openai', '--model', 'text-embedding-3-large', '--dimensions', '6', '--query-prefix', 'q: '],
    use: () => [],
    env: () => ({ OPENAI_BASE_URL: openai.url }),
  },
  cohere: {
    train: () => ['--base', 'cohere', '--base-url', cohere.url],
    use: () => ['--base-url', cohere.url],
  },
  folder: { train: () => ['--base', 'sbert', '--model', './a/onnx', '--pooling', 'cls'], use: () => [] },
  hashing: { train: () => ['--base', 'hashing', '--dimensions', '16'], use: () => [] },
}

describe.concurrent.each(Object.entries(BASES))('an adapter on %s', (name, { train, use, env }) => {
  test('names its base to evaluate, hybrid, explain, compare and serve', async () => {
    const options = { cwd, env: { ...KEYS, ...env?.() } }
    const file = `${name}.json`
    const trained = await cliJson<{ base: object }>([...train(), ...QUICK, '--out', file], options)
    const adapter = ['--adapter', file, ...use(), '--cache', 'none']
    const evaluated = await cliJson<{ base: object }>(['evaluate', '--data', 'd.json', ...adapter], options)
    expect(evaluated.base).toEqual(trained.base)
    const tuned = await cliJson<{ queries: number }>(['hybrid', '--data', 'd.json', ...adapter], options)
    expect(tuned.queries).toBe(12)
    const explained = await cliJson(['explain', '--data', 'd.json', '--query', 'a card', '--top', '1', ...adapter], options)
    expect(explained).toMatchObject({ adapted: [{ rank: 1 }] })
    if (use().length === 0) {
      const args = ['compare', '--data', 'd.json', '--candidate', file, `x=adapter:${file}`, '--cache', 'none', '--estimate']
      expect((await cli(args, options)).stderr).toMatch(/are the same base with the same adapter/)
      expect((await cliJson<{ bases: object[] }>([...args.slice(0, 5), ...args.slice(6)], options)).bases).toHaveLength(1)
    }
    const { child, ended } = startCli(['serve', '--port', '0', '--json', ...adapter], options)
    const url = await new Promise<string>((resolve, reject) => {
      let text = ''
      child.stdout!.on('data', chunk => {
        text += chunk
        const found = /"url": "([^"]+)"/.exec(text)
        if (found) resolve(found[1])
      })
      ended.then(({ stderr }) => reject(new Error(stderr)), reject)
    })
    const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] }
    const body = JSON.stringify({ model: data.find(({ id }) => id.endsWith(':query'))!.id, input: 'the card' })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/v1/embeddings`, { method: 'POST', headers, body })
    expect(answer.status).toBe(200)
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
  })
})

describe('a model folder of the same name', () => {
  test('with other weights is refused, and a file without a fingerprint is accepted with a note', async () => {
    const train = ['--base', 'sbert', '--model', './a/onnx', ...QUICK, '--out', 'named.json']
    expect((await cli([...train, '--quiet'], { cwd })).code).toBe(0)
    const evaluate = ['evaluate', '--data', 'd.json', '--cache', 'none', '--adapter']
    const other = await cli([...evaluate, 'named.json', '--base', 'sbert', '--model', './b/onnx'], { cwd })
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/the files of this one differ/) })
    const { base, ...adapter } = loadAdapter(join(cwd, 'named.json'))
    const { provider: _, ...older } = base
    saveAdapter({ ...adapter, base: older }, join(cwd, 'older.json'))
    const noted = await cli([...evaluate, 'older.json', '--model', './b/onnx'], { cwd })
    expect(noted).toMatchObject({ code: 0, stderr: expect.stringMatching(/has no fingerprint of "sbert\/onnx"/) })
    const unnamed = await cli([...evaluate, 'older.json'], { cwd })
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringMatching(/Give --model FOLDER/) })
  })

  test('is loaded before the server says that it listens: a broken one never does', async () => {
    const folder = folderWith({ 'd.json': llamaIndex(12) })
    mkdirSync(join(folder, 'm'))
    cpSync(join(cwd, 'a/onnx'), join(folder, 'm/onnx'), { recursive: true })
    const train = ['--base', 'sbert', '--model', 'm/onnx', ...QUICK, '--out', 'x.json', '--quiet']
    expect((await cli(train, { cwd: folder })).code).toBe(0)
    rmSync(join(folder, 'm'), { recursive: true })
    const gone = await cli(['serve', '--adapter', 'x.json', '--port', '0', '--cache', 'none'], { cwd: folder })
    expect(gone).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/that is not found here/) })
  })
})

describe('without --base', () => {
  test.each([
    ['train', ['--train', 'd.json']],
    ['sweep', ['sweep', '--train', 'd.json', '--grid', 'pull=1,10']],
    ['embed', ['embed', 'd.json']],
    ['evaluate', ['evaluate', '--data', 'd.json']],
  ])('%s lists the choices in one line, after errors in the data', async (_, args) => {
    const { code, stdout, stderr } = await cli(args, { cwd })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe(
      'error: missing option --base, the embedding model; expected one of openai, cohere, sbert (a model on this machine), ' +
        'hashing (a toy without a model, for trying the program), ' +
        `${providerNames.slice(4).join(', ')}\n`,
    )
    const broken = folderWith({ 'd.json': '{' })
    expect((await cli(args, { cwd: broken })).stderr).not.toContain('--base')
  })
})
