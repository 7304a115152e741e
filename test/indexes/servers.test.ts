import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openIndex } from '../../src/indexes/index.js'
import { sampleRows, vectorIndexContract } from '../contracts/vector-index.js'
import { migrateColumns, nearest, recipe, vectorOf } from '../helpers/migrating.js'
import { pythonWith } from '../helpers/python.js'
import { expectRejection } from '../helpers/rejection.js'
import { SQL_FILTERS, tableSql } from '../helpers/sql-index.js'

const folder = mkdtempSync(join(tmpdir(), 'servers-'))
const started: ChildProcess[] = []
afterAll(async () => {
  for (const child of started) {
    if (child.exitCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

const postgres = pythonWith('pgserver')
describe.skipIf(!postgres)('PostgreSQL with pgvector, started by pgserver', () => {
  const data = join(folder, 'pg')
  const url = (rest: string) => `pgvector:///postgres?host=${data}${rest}`
  beforeAll(async () => {
    // As root the server runs under a user of its own, who has to reach the folder.
    const program = `import os, pgserver, sys
os.chmod(os.path.dirname(sys.argv[1]), 0o755)
server = pgserver.get_server(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()`
    const child = spawn(postgres!, ['-c', program, data], { stdio: ['pipe', 'pipe', 'inherit'] })
    started.push(child)
    await once(child.stdout!, 'data')
    process.env.PGUSER = 'postgres'
    const client = new pg.Client({ host: data, database: 'postgres' })
    await client.connect()
    await client.query('CREATE EXTENSION vector')
    await client.query(tableSql('plain', sampleRows()))
    await client.query(
      tableSql(
        'numbered',
        sampleRows(row => String(row)),
        { type: 'integer' },
      ),
    )
    await client.query('CREATE INDEX ON numbered USING hnsw (embedding vector_cosine_ops)')
    await client.end()
  }, 120_000)

  vectorIndexContract('pgvector without an index', async () => {
    return { url: url('#plain'), rows: sampleRows(), ...SQL_FILTERS }
  })
  vectorIndexContract('pgvector with an HNSW index and numbers as ids', async () => {
    return { url: url('#public.numbered'), rows: sampleRows(row => String(row)), ...SQL_FILTERS }
  })

  test('two columns are searched together as docs/migrating.md has it', async () => {
    const client = new pg.Client({ host: data, database: 'postgres' })
    await client.connect()
    await migrateColumns((sql, values) => client.query(sql, [...(values ?? [])]))
    await client.end()
  })

  test('a statement that would write is refused, and the error names the index', async () => {
    const index = await openIndex(url('#plain'))
    await expectRejection(index.count("nextval('s') = 1"), 'INDEX_OPEN', /pgvector:\/\/\/postgres#plain: /)
    await expectRejection(index.count('lo_create(0) > 0'), 'INDEX_OPEN', /read-only transaction/)
    await index.close()
  })

  test('a database that cannot be reached is named without the password', async () => {
    process.env.PGPASSWORD = 'pg-secret-1234'
    const error = await expectRejection(openIndex('pgvector://127.0.0.1:1/db#docs'), 'INDEX_OPEN', /ECONNREFUSED/)
    expect(JSON.stringify(error) + error.message + error.stack).not.toContain('pg-secret-1234')
    delete process.env.PGPASSWORD
  })
})

const qdrant = pythonWith('qdrant_client')
describe.skipIf(!qdrant)('Qdrant in the process of its Python client', () => {
  test('two collections are searched together as docs/migrating.md has it', async () => {
    const program = `import json, sys
from qdrant_client import QdrantClient, models
client = QdrantClient(':memory:')
for line in sys.stdin:
    name, collection, given = json.loads(line)
    answer = None
    if name == 'create':
        size = models.VectorParams(size=given['size'], distance=models.Distance(given['distance']))
        client.create_collection(collection, vectors_config=size)
    elif name == 'upsert':
        client.upsert(collection, [models.PointStruct(**point) for point in given])
    elif name == 'delete':
        client.delete(collection, models.PointIdsList(points=given))
    else:
        answer = [point.id for point in client.query_points(collection, query=given['query'], limit=given['limit']).points]
    print(json.dumps(answer), flush=True)`
    const child = spawn(qdrant!, ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] })
    started.push(child)
    const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    let turn: Promise<unknown> = Promise.resolve()
    const ask = (...call: unknown[]) => {
      const next = turn.then(async () => {
        child.stdin!.write(`${JSON.stringify(call)}\n`)
        return JSON.parse((await answers.next()).value)
      })
      turn = next
      return next
    }
    const client = {
      createCollection: (name: string, { vectors }: { vectors: object }) => ask('create', name, vectors),
      query: async (name: string, given: object) => ({
        points: ((await ask('query', name, given)) as number[]).map(id => ({ id })),
      }),
    }
    const all = Array.from({ length: 40 }, (_, i) => i + 1)
    const points = (ids: readonly number[], length: number) => ids.map(id => ({ id, vector: vectorOf(id, length) }))
    await client.createCollection('docs', { vectors: { size: 3, distance: 'Cosine' } })
    await ask('upsert', 'docs', points(all, 3))
    const code = recipe('await qdrant.createCollection').replaceAll('string | number, number', '').replace('Map<>', 'Map')
    const [create, ...search] = code.split('\n')
    const AsyncFunction = (async () => {}).constructor as FunctionConstructor
    const [mapped, native] = [vectorOf(100, 3), vectorOf(100, 4)]
    const run = (lines: string) => AsyncFunction('qdrant', 'mapped', 'native', lines)(client, mapped, native) as Promise<number[]>
    await run(create)
    const found = () => run(`${search.join('\n')}\nreturn ids`)
    expect(await found()).toEqual(nearest(all, 100, 3, 10))
    const half = all.slice(0, 20)
    await ask('upsert', 'docs-new', points(half, 4))
    // Points that are in both places count where they are new.
    expect(await found()).toEqual(expect.arrayContaining(nearest(half, 100, 4, 5)))
    await ask('delete', 'docs', half)
    const expected = [...nearest(half, 100, 4, 5), ...nearest(all.slice(20), 100, 3, 5)]
    expect((await found()).sort()).toEqual(expected.sort())
    await ask('upsert', 'docs-new', points(all.slice(20), 4))
    await ask('delete', 'docs', all.slice(20))
    expect(await found()).toEqual(nearest(all, 100, 4, 10))
  }, 60_000)
})

const python = pythonWith('chromadb')
describe.skipIf(!python)('Chroma, started by chromadb', () => {
  let address: string
  beforeAll(async () => {
    const port = await freePort()
    address = `http://127.0.0.1:${port}`
    const args = ['run', '--path', join(folder, 'chroma'), '--host', '127.0.0.1', '--port', String(port)]
    started.push(spawn(join(dirname(python!), 'chroma'), args, { stdio: 'ignore' }))
    for (let i = 0; ; i++) {
      const answer = await fetch(`${address}/api/v2/heartbeat`).catch(() => undefined)
      if (answer?.ok) break
      if (i > 240) throw new Error('the server does not answer')
      await sleep(250)
    }
  }, 120_000)

  async function fill(name: string, configuration: object) {
    const rows = sampleRows()
    const base = `${address}/api/v2/tenants/default_tenant/databases/default_database/collections`
    const post = async (path: string, body: object) => {
      const answer = await fetch(`${base}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(await answer.text())
      return (await answer.json()) as { id: string }
    }
    const { id } = await post('', { name, configuration })
    await post(`/${id}/add`, {
      ids: rows.map(row => row.id),
      embeddings: rows.map(({ vector }) => vector),
      documents: rows.map(({ text }) => text),
      metadatas: rows.map(({ kind }) => ({ kind })),
    })
    const url = `chroma+${address}#${name}`
    return { url, rows, filter: '{"kind": "third"}', brokenFilter: '{"$no": 1}', isPrecise: false }
  }

  vectorIndexContract('chroma by its default', () => fill('by-default', {}))
  vectorIndexContract('chroma by cosine', () => fill('by-cosine', { hnsw: { space: 'cosine', ef_search: 50 } }))

  test('chroma tells its metric and its effort', async () => {
    expect(await openIndex(`chroma+${address}#by-default`)).toMatchObject({
      metric: 'l2',
      ann: { effort: { ef_search: 100 } },
    })
    expect(await openIndex(`chroma+${address}#by-cosine`)).toMatchObject({
      metric: 'cosine',
      ann: { effort: { ef_search: 50 } },
    })
    await expectRejection(openIndex(`chroma+${address}#nothing`), 'INDEX_OPEN', /HTTP 404/)
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
