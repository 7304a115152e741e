import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyAdapter } from '../../src/adapters/adapter.js'
import { adapterHash, encodeAdapter, loadAdapter, saveAdapter } from '../../src/adapters/file.js'
import { convertAdapter, readAnyAdapter } from '../../src/convert/convert-adapter.js'
import { describeFormat, type FormatName, loadFormat } from '../../src/convert/formats/index.js'
import { AdapterTrainError } from '../../src/errors.js'
import { fromFloat16Bits, toFloat16Bits } from '../../src/math/bytes.js'
import { norm } from '../../src/math/matrix.js'
import { rejection } from '../helpers/rejection.js'
import { SAMPLE_KINDS, sampleAdapter, sampleQueries } from '../helpers/sample-adapter.js'

/**
 * What every export format must do: hold an adapter of each kind so that there and back it maps as before, or refuse the kind and write
 * nothing; be recognised by its content alone; keep the facts; round float16 once; and end in an error of ours where a file is cut off.
 *
 * @param name a name in the registry
 */
export async function exportFormatContract(name: FormatName): Promise<void> {
  const format = await loadFormat(name)
  let folder: string
  let files = 0
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'adapter-export-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const path = () => join(folder, String(files++))

  describe(`export format ${name}`, () => {
    test('says what it is and which number types it writes', () => {
      expect(describeFormat(name)).toMatch(/^\S.*[^.]$/)
      expect(format.types.length).toBeGreaterThan(0)
      if (format.ending !== undefined) expect(format.ending).toMatch(/^\.\w+$/)
    })

    describe.each(format.types)('in %s', dtype => {
      test.each([
        ...SAMPLE_KINDS.map(kind => [kind, undefined] as const),
        ['linear', 15] as const,
        ['residual-mlp', 10] as const,
        ['residual-mlp', 6] as const,
      ])('holds a %s adapter (to %s dimensions), there and back, or refuses it and writes nothing', async (kind, outputs) => {
        const adapter = sampleAdapter(kind, 10, 7, outputs)
        const [from, there, back] = [path(), path(), path()]
        saveAdapter(adapter, from)
        try {
          await convertAdapter(from, there, { format: name, dtype })
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONVERT_UNSUPPORTED' })
          expect((error as Error).message).toMatch(new RegExp(`${kind}.* [Uu]se `))
          expect(existsSync(there)).toBe(false)
          return
        }
        const { from: found } = await convertAdapter(there, back, { format: 'json' })
        if (name !== 'f16-json') expect(found).toBe(name)
        const read = loadAdapter(back)
        expect(read).toMatchObject({ base: adapter.base, training: adapter.training })
        expect(read.index).toEqual(adapter.index)
        const tolerance = dtype === 'F16' ? 2e-3 : 1e-6
        for (const query of sampleQueries(5, 10)) {
          const expected = applyAdapter(adapter, query)
          const difference = applyAdapter(read, query).map((x, j) => x - expected[j])
          expect(norm(difference) / norm(expected)).toBeLessThan(tolerance)
        }
        if (read.kind !== kind) return
        for (const [param, { data }] of Object.entries(adapter.params)) {
          const rounded = dtype === 'F16' ? data.map(x => fromFloat16Bits(toFloat16Bits(x))) : data
          expect(read.params[param].data, param).toEqual(rounded)
        }
        if (dtype === 'F32') expect(encodeAdapter(read)).toBe(encodeAdapter(adapter))
      })

      test('holds a linear adapter as it is, rounded at most once', async () => {
        const [from, there, again] = [path(), path(), path()]
        saveAdapter(sampleAdapter('linear', 6), from)
        await convertAdapter(from, there, { format: name, dtype })
        const { adapter } = await readAnyAdapter(there)
        expect(adapter.kind).toBe('linear')
        await convertAdapter(there, again, { format: name, dtype })
        expect(adapterHash((await readAnyAdapter(again)).adapter)).toBe(adapterHash(adapter))
      })
    })

    test('gives an error of ours, naming the file, where one is cut off', async () => {
      const [from, there] = [path(), path()]
      saveAdapter(sampleAdapter('linear', 40), from)
      const { files: written } = await convertAdapter(from, there, { format: name })
      const largest = written.reduce((a, b) => (b.bytes > a.bytes ? b : a)).path
      const content = readFileSync(largest)
      const size = statSync(largest).size
      for (const end of [0, 1, 9, size >> 2, size >> 1, size - 30]) {
        writeFileSync(largest, content.subarray(0, end))
        const error = await rejection(readAnyAdapter(there))
        expect(error, `cut off after ${end} of ${size} bytes`).toBeInstanceOf(AdapterTrainError)
        expect(error.message).toContain(there)
      }
    })
  })
}
