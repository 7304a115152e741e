import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { encodeAdapter } from '../../src/adapters/file.js'
import { cli, folderWith, llamaIndex, type RunningCli, startCli } from '../cli/cli.js'
import { type FakeOpenAIOptions, startFakeOpenAI } from '../helpers/fake-openai.js'
import type { FakeService } from '../helpers/fake-service.js'
import { adaptedVector, adapterFor, baseVector, D, MODEL, UPSTREAM_KEY } from './serving.js'

const TOKEN = 'token-of-the-server'
const upstreams: FakeService[] = []
afterAll(async () => {
  for (const upstream of upstreams) await upstream.close()
})

async function startUpstream(options: FakeOpenAIOptions = {}): Promise<FakeService> {
  const upstream = await startFakeOpenAI({ apiKey: UPSTREAM_KEY, dimensions: D, ...options })
  upstreams.push(upstream)
  return upstream
}

interface Served extends RunningCli {
  readonly url: string
  readonly cwd: string
  embed(model: string, headers?: Record<string, string>): Promise<Response>
}

const FILES = { 'x.json': encodeAdapter(adapterFor()) }

async function startServe(
  args: string[],
  { upstream, env = {}, files = FILES }: { upstream: FakeService; env?: Record<string, string>; files?: Record<string, unknown> },
): Promise<Served> {
  const cwd = folderWith(files)
  const words = ['serve', '--base', 'openai', '--port', '0', '--json', ...args]
  const run = startCli(words, { cwd, env: { OPENAI_API_KEY: UPSTREAM_KEY, OPENAI_BASE_URL: upstream.url, ...env } })
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    run.child.stdout!.on('data', chunk => {
      text += chunk
      const found = /"url": "([^"]+)"/.exec(text)
      if (found) resolve(found[1])
    })
    run.ended.then(({ code, stderr }) => reject(new Error(`ended with ${code}: ${stderr}`)), reject)
  })
  const embed = (model: string, headers = {}) =>
    fetch(`${url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model, input: 'a private question' }),
    })
  return { ...run, url, cwd, embed }
}

const vectorOf = async (answer: Response): Promise<number[]> =>
  ((await answer.json()) as { data: { embedding: number[] }[] }).data[0].embedding

describe.concurrent('adapter-train serve', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('finishes what is in flight after %s, and ends with 0', async signal => {
    const upstream = await startUpstream({ latencyMs: 400 })
    const { child, ended, embed } = await startServe(['--adapter', 'x.json'], { upstream })
    const inFlight = [MODEL, `${MODEL}:query`, `${MODEL}:query`].map(model => embed(model))
    await expect.poll(() => upstream.requests.length, { timeout: 10_000 }).toBe(3)
    child.kill(signal)
    const vectors = await Promise.all(inFlight.map(async answer => vectorOf(await answer)))
    const adapted = adaptedVector(adapterFor(), 'a private question')
    expect(vectors).toEqual([baseVector('a private question'), adapted, adapted])
    const { code, stdout, stderr } = await ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ models: [MODEL, `${MODEL}:query`, `${MODEL}:default`] })
    const lines = stderr
      .trim()
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line))
    expect(lines.filter(({ route }) => route === '/v1/embeddings')).toHaveLength(3)
    expect(lines.at(-1)).toMatchObject({ msg: 'closed' })
    for (const secret of [UPSTREAM_KEY, 'private']) expect(stdout + stderr).not.toContain(secret)
  })

  test('gives up after --drain-timeout, and ends with 0 all the same', async () => {
    const upstream = await startUpstream({ script: ['hang'] })
    const { child, ended, embed } = await startServe(['--adapter', 'x.json', '--drain-timeout', '0.2'], { upstream })
    const hanging = embed(MODEL)
    await expect.poll(() => upstream.requests.length, { timeout: 10_000 }).toBe(1)
    const started = Date.now()
    child.kill('SIGTERM')
    expect((await hanging).status).toBe(503)
    expect((await ended).code).toBe(0)
    expect(Date.now() - started).toBeLessThan(5000)
  })

  test('takes a new adapter file by itself, and on SIGHUP', async () => {
    const upstream = await startUpstream()
    for (const watch of [true, false]) {
      const args = ['--adapter', 'x.json', 'old=y.json', ...(watch ? [] : ['--no-watch'])]
      const files = { ...FILES, 'y.json': encodeAdapter(adapterFor(4)) }
      const { child, ended, embed, cwd } = await startServe(args, { upstream, files })
      writeFileSync(join(cwd, 'x.json'), encodeAdapter(adapterFor(2)))
      if (!watch) {
        await sleep(50)
        child.kill('SIGHUP')
      }
      const expected = adaptedVector(adapterFor(2), 'a private question')
      await expect.poll(async () => vectorOf(await embed(`${MODEL}:query`)), { timeout: 10_000 }).toEqual(expected)
      expect(await vectorOf(await embed(`${MODEL}:old`))).toEqual(adaptedVector(adapterFor(4), 'a private question'))
      child.kill('SIGTERM')
      expect((await ended).code).toBe(0)
    }
  })

  test('takes its token from the environment or a file, and does without only on this machine', async () => {
    const upstream = await startUpstream()
    const everywhere = ['--adapter', 'x.json', '--host', '0.0.0.0']
    const cwd = folderWith(FILES)
    const env = { OPENAI_API_KEY: UPSTREAM_KEY, OPENAI_BASE_URL: upstream.url }
    const refused = await cli(['serve', '--base', 'openai', '--port', '0', ...everywhere], { cwd, env })
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('ADAPTER_TRAIN_SERVE_TOKEN')])

    const starts = [
      startServe(everywhere, { upstream, env: { ADAPTER_TRAIN_SERVE_TOKEN: TOKEN } }),
      startServe(['--adapter', 'x.json', '--token-file', 'token'], {
        upstream,
        files: { ...FILES, token: `${TOKEN}\n` },
      }),
    ]
    for (const start of starts) {
      const { child, ended, embed, url } = await start
      expect((await embed(MODEL)).status).toBe(401)
      expect((await embed(MODEL, { authorization: `Bearer ${TOKEN}` })).status).toBe(200)
      expect((await fetch(`${url}/healthz`)).status).toBe(200)
      child.kill('SIGTERM')
      const { stdout, stderr } = await ended
      expect(stdout + stderr).not.toContain(TOKEN)
    }
  })

  test('compares an adapter on trial over the documents of a data set', async () => {
    const upstream = await startUpstream()
    const files = { ...FILES, 'next.json': encodeAdapter(adapterFor(-1)), 'd.json': llamaIndex(20) }
    const args = ['--adapter', 'x.json', 'next=next.json', '--shadow', 'next', '--shadow-data', 'd.json']
    const { child, ended, embed } = await startServe(args, { upstream, files })
    expect(upstream.requests[0].body.input).toHaveLength(20)
    expect((await embed(`${MODEL}:query`)).status).toBe(200)
    await sleep(200)
    child.kill('SIGTERM')
    const { stderr } = await ended
    expect(stderr).toMatch(/"served":"default",.*"shadow":"next",.*"overlap":/)
  })

  test('keeps documents in the cache file, and finds them there after it was started anew', async () => {
    const upstream = await startUpstream()
    const cache = join(folderWith(), 'c.sqlite')
    for (const requests of [1, 1]) {
      const { child, ended, embed } = await startServe(['--adapter', 'x.json', '--cache', cache], { upstream })
      expect(await vectorOf(await embed(MODEL))).toEqual(baseVector('a private question'))
      expect(upstream.requests).toHaveLength(requests)
      child.kill('SIGTERM')
      await ended
    }
  })

  test.each([
    ['no adapter', [], 2, /--adapter/],
    ['a file that is not there', ['--adapter', 'y.json'], 1, /y\.json/],
    ['an adapter of another model', ['--adapter', 'other.json'], 1, /was trained on/],
    ['a shadow that is no adapter', ['--adapter', 'x.json', '--shadow', 'z', '--shadow-data', 'd.json'], 2, /"z"/],
    ['a shadow without documents', ['--adapter', 'x.json', '--shadow', 'default'], 2, /--shadow-data/],
    ['a body limit that is none', ['--adapter', 'x.json', '--body-limit', 'huge'], 2, /huge/],
    ['an empty token file', ['--adapter', 'x.json', '--token-file', 'empty'], 2, /empty/],
    ['an option that means nothing', ['--adapter', 'x.json', '--dtype', 'fp16'], 2, /--dtype/],
    ['a port that is not allowed', ['--adapter', 'x.json', '--port', '70000'], 2, /--port/],
  ] as const)('refuses %s before it listens', async (_, args, code, message) => {
    const cwd = folderWith({
      ...FILES,
      'other.json': encodeAdapter(adapterFor(1, 'cohere/embed-v4.0')),
      'd.json': llamaIndex(5),
      empty: '\n',
    })
    const env = { OPENAI_API_KEY: UPSTREAM_KEY, OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
    const result = await cli(['serve', '--base', 'openai', ...args], { cwd, env })
    expect(result.stderr).toMatch(message)
    expect(result.code).toBe(code)
  })

  test('says which address is taken', async () => {
    const upstream = await startUpstream()
    const { child, ended, url, cwd } = await startServe(['--adapter', 'x.json'], { upstream })
    const { port } = new URL(url)
    const env = { OPENAI_API_KEY: UPSTREAM_KEY, OPENAI_BASE_URL: upstream.url }
    const result = await cli(['serve', '--base', 'openai', '--adapter', 'x.json', '--port', port], { cwd, env })
    expect([result.code, result.stderr]).toEqual([1, expect.stringContaining(`port ${port}`)])
    child.kill('SIGTERM')
    await ended
  })
})

test('the log escapes what would turn or steer a line of a terminal', async () => {
  const served = await startServe(['--adapter', 'x.json', '--model-name', 'm\u202ex\u009b'], {
    upstream: await startUpstream(),
  })
  served.child.kill('SIGTERM')
  const { stderr } = await served.ended
  expect(stderr).toContain('"models":["m\\u202ex\\u009b"')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there
  expect(stderr).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
})
