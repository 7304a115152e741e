import { execFile } from 'node:child_process'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { type Adapter, applyAdapter } from '../../src/adapters/adapter.js'
import { saveAdapter } from '../../src/adapters/file.js'
import { dot, norm } from '../../src/math/matrix.js'
import { createProvider } from '../../src/providers/index.js'
import { folderWith, startCli } from '../cli/cli.js'
import { randomMatrix } from '../contracts/engine/support.js'

const EXAMPLES = resolve(dirname(fileURLToPath(import.meta.url)), '../../examples')
const cwd = folderWith()
const path = join(cwd, 'a.json')
const QUERY = 'batt below 0 °C, will it still be filled'
const DOCUMENTS = ['Charging the battery in winter', 'Changing your delivery address']

let adapter: Adapter
/** What the examples have to print: a document's cosine to the adapted query. */
let lines: string[]
beforeAll(async () => {
  const provider = await createProvider('hashing')
  const d = provider.dimensions!
  adapter = {
    kind: 'linear',
    base: { id: provider.id, dimensions: d, normalized: true },
    training: { tool: 'test', date: '2024-01-01T00:00:00Z', data: {}, options: {}, metrics: {} },
    params: { W: randomMatrix(d, d, 1), b: randomMatrix(1, d, 2) },
  }
  saveAdapter(adapter, path)
  const [query] = await provider.embed([QUERY], 'query')
  const q = applyAdapter(adapter, query)
  const vectors = await provider.embed(DOCUMENTS, 'document')
  lines = DOCUMENTS.map((text, i) => `${(dot(q, vectors[i]) / norm(q) / norm(vectors[i])).toFixed(4)} ${text}`)
})

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    const { PATH, HOME } = process.env
    const options = { env: { PATH, HOME, PYTHONUTF8: '1' }, timeout: 50_000 }
    execFile(command, args, options, (error, stdout, stderr) =>
      error ? fail(new Error(`${command} ${args.join(' ')}: ${error.message}\n${stderr}`)) : done(stdout),
    )
  })
}

/** Runs `work` with the address of a server of the adapter. */
async function served<T>(work: (url: string) => Promise<T>): Promise<T> {
  const words = ['serve', '--adapter', path, '--model-name', 'support', '--port', '0', '--json', '--quiet']
  const { child, ended } = startCli(words, { cwd })
  try {
    const url = await new Promise<string>((found, fail) => {
      let text = ''
      child.stdout?.on('data', chunk => {
        text += chunk
        const match = /"url": "([^"]+)"/.exec(text)
        if (match) found(match[1])
      })
      ended.then(({ stderr }) => fail(new Error(stderr)), fail)
    })
    return await work(url)
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

test('langchain-retriever.mjs retrieves with and without the adapter, from the same documents', async () => {
  const output = await run(process.execPath, [join(EXAMPLES, 'langchain-retriever.mjs'), path])
  expect(output).toMatch(new RegExp(`^${QUERY}\nbase: \\S+, \\S+, \\S+\nadapted: \\S+, \\S+, \\S+\n$`))
  const [, base, adapted] = output.split('\n').map(line => line.replace(/^\w+: /, ''))
  // A random map finds others.
  expect(adapted).not.toBe(base)
})

test('ai-sdk.mjs scores documents by the adapted query', async () => {
  expect(await run(process.execPath, [join(EXAMPLES, 'ai-sdk.mjs'), path])).toBe(`${lines.join('\n')}\n`)
})

test('openai-server.sh and openai-server.py get adapted queries and plain documents from a server', async () => {
  const [shell, python] = await served(url =>
    Promise.all([
      run('sh', [join(EXAMPLES, 'openai-server.sh'), url]),
      run('python3', [join(EXAMPLES, 'openai-server.py'), url]),
    ]),
  )
  expect(python).toBe(`${lines.join('\n')}\n`)
  const provider = await createProvider('hashing')
  const answers = shell.trim().split('\n')
  const [document, query] = answers.map(line => Float32Array.from(JSON.parse(line).data[0].embedding))
  expect(document).toEqual((await provider.embed([DOCUMENTS[0]], 'document'))[0])
  expect(query).toEqual(applyAdapter(adapter, (await provider.embed([QUERY], 'query'))[0]))
})
