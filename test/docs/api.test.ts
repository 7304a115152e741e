import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

/** `dist/x.d.ts` of package.json's exports -> `src/x.ts`. */
const exported = Object.values<string | { types: string }>(JSON.parse(read('package.json')).exports)
  .flatMap(target => (typeof target === 'string' ? [] : target.types))
  .map(types => types.replace('./dist/', 'src/').replace('.d.ts', '.ts'))

test('the API reference has every entry point of the package', () => {
  const list = /"entryPoints": \[([^\]]*)\]/.exec(read('typedoc.json'))![1]
  expect([...list.matchAll(/"([^"]+)"/g)].map(([, entry]) => entry).sort()).toEqual(exported.sort())
})

// Nothing is written: the pages take longer than the checks.
test('every export is documented, every type that it names is exported, and every link leads somewhere', async () => {
  const typedoc = join(ROOT, 'node_modules/typedoc/bin/typedoc')
  const printed = await new Promise<string>(done => {
    execFile(
      process.execPath,
      [typedoc, '--emit', 'none'],
      { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' } },
      (error, out, err) => done(error ? `${out}${err}` : ''),
    )
  })
  expect(printed).toBe('')
}, 300_000)
