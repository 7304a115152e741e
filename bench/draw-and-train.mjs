import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openCache } from '../dist/cache/sqlite-cache.js'
import { writeFileAtomic } from '../dist/files.js'
import { createProvider } from '../dist/providers/index.js'
import { dataFolders, readSets } from './data-sets.mjs'

/** The metric of the figures. */
export const METRIC = 'ndcg@10'

/**
 * The frame of a benchmark that trains on queries drawn from every data set below `--data`: options, provider, cache, and the rows as
 * JSON.
 *
 * @param {string} script its name in package.json
 * @param {string} sizes default of `--sizes`
 * @param {(sets: object, setting: { provider: object, cache: object, sizes: string[], seeds: number, add(row: object): void }) => Promise<void>} measure
 * @param {(rows: object[], provider: object) => void} print
 */
export async function drawAndTrain(script, sizes, measure, print) {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      model: { type: 'string' },
      sizes: { type: 'string', default: sizes },
      seeds: { type: 'string', default: '3' },
      cache: { type: 'string', default: 'cache/embeddings.sqlite' },
      json: { type: 'string' },
    },
  })
  if (!values.data) {
    process.stderr.write(`usage: npm run ${script} -- --data DIR [--model DIR] [--sizes ${sizes}] [--seeds 3] [--json FILE]\n`)
    process.exit(2)
  }
  const { model } = values
  const provider = model ? await createProvider('sbert', { model }) : await createProvider('hashing')
  const cache = await openCache(values.cache)
  const rows = []
  const add = row => {
    rows.push(row)
    process.stderr.write(`${JSON.stringify(row)}\n`)
  }
  const setting = { provider, cache, sizes: values.sizes.split(','), seeds: Number(values.seeds), add }
  try {
    for (const folder of dataFolders(resolve(values.data))) await measure(await readSets(folder), setting)
  } finally {
    cache.close()
    await provider.close?.()
  }
  process.stdout.write(`test ${METRIC}, base ${provider.id}; an adapter that does not pass the gate gains 0\n\n`)
  print(rows)
  if (values.json) writeFileAtomic(values.json, `${JSON.stringify(rows, null, 2)}\n`)
}

/** @param {number[]} list */
export const mean = list => list.reduce((sum, value) => sum + value, 0) / list.length

/** 0.04 -> "+0.0400" @param {number} value */
export const signed = value => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`

/**
 * Prints cells under their heads.
 * @param {string[][]} lines the heads first
 * @param {number} words columns on the left that hold words
 */
export function printColumns(lines, words = 0) {
  const widths = lines[0].map((_, i) => Math.max(...lines.map(cells => cells[i].length)))
  for (const cells of lines) {
    const padded = cells.map((cell, i) => (i < words ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
    process.stdout.write(`${padded.join('  ')}\n`)
  }
}
