import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeTinyModel } from '../../scripts/make-tiny-model.js'
import type { ProviderOptions } from '../../src/providers/provider.js'
import { sbert } from '../../src/providers/sbert.js'
import { rejection } from '../helpers/rejection.js'
import { tinyTokens, tinyTokenVectors, unit } from '../helpers/tiny-model.js'

const root = mkdtempSync(join(tmpdir(), 'sbert-hub-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const source = makeTinyModel(join(root, 'source'), {
  files: { '1_Pooling/config.json': { pooling_mode_cls_token: true }, 'README.md': {} },
})
makeTinyModel(source, { suffix: '_quantized', files: { '1_Pooling/config.json': { pooling_mode_cls_token: true } } })

/** A server that answers like the Hub for one repository, `acme/tiny`, at one commit. */
interface Hub {
  readonly url: string
  readonly requests: { path: string; authorization?: string }[]
  /** Replaces the answer for paths that end with the key. */
  readonly answers: Map<string, { status: number; cut?: boolean }>
  close(): Promise<void>
}

const COMMIT = 'abc123'

async function startHub(): Promise<Hub> {
  const requests: Hub['requests'] = []
  const answers: Hub['answers'] = new Map()
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(name => /\.\w+$/.test(name))
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    requests.push({ path, authorization: request.headers.authorization })
    const special = [...answers].find(([end]) => path.endsWith(end))?.[1]
    if (special?.cut) {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('short', () => response.destroy())
    } else if (special) {
      response.writeHead(special.status).end('{}')
    } else if (/^\/api\/models\/acme\/tiny\/revision\/(main|v2)$/.test(path)) {
      response.end(JSON.stringify({ sha: COMMIT, siblings: names.map(rfilename => ({ rfilename })) }))
    } else if (path.startsWith(`/acme/tiny/resolve/${COMMIT}/`)) {
      response.end(readFileSync(join(source, path.slice(`/acme/tiny/resolve/${COMMIT}/`.length))))
    } else {
      // The Hub says 401 also for a repository that does not exist.
      response.writeHead(401).end('{}')
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

let hub: Hub
let modelCache: string
beforeEach(async () => {
  hub = await startHub()
  modelCache = mkdtempSync(join(root, 'cache-'))
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_TOKEN', undefined)
  vi.stubEnv('HF_ACCESS_TOKEN', undefined)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
})

const create = (options: ProviderOptions = {}) => sbert.create({ model: 'acme/tiny', modelCache, ...options })
const refusal = async (options: ProviderOptions = {}) => {
  const error = await rejection(create(options))
  expect(error.code).toBe('PROVIDER_MODEL')
  return error.message
}
const fetched = () => hub.requests.map(({ path }) => path.replace(/^.*\/(resolve|revision)\//, ''))

describe('sbert with a model on the hub', () => {
  it('fetches what it needs, keeps to the model’s own settings, and embeds', async () => {
    const provider = await create()
    expect(provider.id).toBe('sbert/acme/tiny')
    const [vector] = await provider.embed(['my red card'], 'query')
    unit(tinyTokenVectors(tinyTokens('my red card'))[0]).forEach((value, k) => {
      expect(vector[k]).toBeCloseTo(value, 5)
    })
    expect(fetched().sort()).toEqual(
      [
        'main',
        ...['1_Pooling/config.json', 'config.json', 'onnx/model.onnx', 'tokenizer.json', 'tokenizer_config.json'].map(
          name => `${COMMIT}/${name}`,
        ),
      ].sort(),
    )
    await provider.close?.()
  })

  it('needs no network the second time', async () => {
    const first = await create()
    await hub.close()
    const second = await create()
    expect(second.cacheKey('query')).toBe(first.cacheKey('query'))
    expect(await second.embed(['cat'], 'query')).toHaveLength(1)
    await second.close?.()
  })

  it('fetches only the other weights for another precision', async () => {
    const fp32 = await create()
    hub.requests.length = 0
    const q8 = await create({ dtype: 'q8' })
    expect(fetched()).toEqual([`${COMMIT}/onnx/model_quantized.onnx`])
    expect(q8.id).toBe('sbert/acme/tiny?dtype=q8')
    expect(q8.cacheKey('query')).not.toBe(fp32.cacheKey('query'))
  })

  it('names a revision in the id and keeps it apart', async () => {
    await create()
    hub.requests.length = 0
    const provider = await create({ revision: 'v2' })
    expect(provider.id).toBe('sbert/acme/tiny?revision=v2')
    expect(fetched()[0]).toBe('v2')
    expect(fetched()).toContain(`${COMMIT}/onnx/model.onnx`)
  })

  it('has the cache key of the same files in a local folder, but for the name', async () => {
    const remote = JSON.parse((await create()).cacheKey('query'))
    const local = JSON.parse((await sbert.create({ model: source })).cacheKey('query'))
    expect({ ...remote, model: '' }).toEqual({ ...local, model: '' })
  })

  it('sends the token of HF_TOKEN or of the options, and shows it nowhere', async () => {
    vi.stubEnv('HF_TOKEN', 'hf_secret')
    await create()
    expect(hub.requests.every(request => request.authorization === 'Bearer hf_secret')).toBe(true)
    const error = await rejection(create({ model: 'acme/other', apiKey: 'hf_other_secret' }))
    expect(hub.requests.at(-1)?.authorization).toBe('Bearer hf_other_secret')
    // What an estimate gives in place of a key.
    await rejection(create({ model: 'acme/other', apiKey: 'none' }))
    expect(hub.requests.at(-1)?.authorization).toBe('Bearer hf_secret')
    expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain('secret')
  })

  it('takes the address of a mirror from the options', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9')
    expect((await create({ baseUrl: `${hub.url}/` })).id).toBe('sbert/acme/tiny')
  })

  it('says what to do when there is no such model or it is gated', async () => {
    const message = await refusal({ model: 'acme/missing' })
    expect(message).toContain('acme/missing')
    expect(message).toMatch(/Check its name.*licence.*HF_TOKEN/)
  })

  it('says what to do when the network is down', async () => {
    await hub.close()
    const message = await refusal()
    expect(message).toContain('ECONNREFUSED')
    expect(message).toMatch(/network.*HF_ENDPOINT.*local model folder/)
  })

  it.each([
    [404, /the model, revision or file does not exist/],
    [429, /Try again later/],
    [500, /Try again later/],
  ])('says what to do on status %d', async (status, expected) => {
    hub.answers.set('/revision/main', { status })
    const message = await refusal()
    expect(message).toContain(String(status))
    expect(message).toMatch(expected)
  })

  it('says so when the server is no hub', async () => {
    hub.answers.set('/revision/main', { status: 200 })
    expect(await refusal()).toContain('did not list the files')
  })

  it('keeps nothing of a download that broke off, and completes it the next time', async () => {
    hub.answers.set('model.onnx', { status: 200, cut: true })
    expect(await refusal()).toMatch(/onnx\/model\.onnx.*cannot be downloaded/)
    expect(readdirSync(modelCache, { recursive: true }).filter(name => /\.onnx|tmp/.test(String(name)))).toEqual([])
    hub.answers.clear()
    const provider = await create()
    expect(await provider.embed(['cat'], 'query')).toHaveLength(1)
    await provider.close?.()
  })

  it('fetches one model twice at the same time without harm', async () => {
    const [a, b] = await Promise.all([create(), create()])
    expect(a.cacheKey('query')).toBe(b.cacheKey('query'))
    expect(readdirSync(modelCache, { recursive: true }).filter(name => String(name).endsWith('.tmp'))).toEqual([])
  })

  it.each(['a/b/c', 'acme/..', 'https://huggingface.co/acme/tiny', 'acme tiny', ''])(
    'does not ask the hub for %j',
    async model => {
      expect(await refusal({ model })).toMatch(/expected a folder .* or a model id/)
      expect(hub.requests).toEqual([])
    },
  )
})
