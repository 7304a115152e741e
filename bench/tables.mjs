/** @typedef {[heading: string, value: (row: any) => string | undefined]} Column */

/**
 * A table for a terminal and for Markdown; columns that have no value in any row are left out.
 *
 * @param {string} title
 * @param {readonly object[]} rows
 * @param {Column[]} columns
 */
export function table(title, rows, columns) {
  if (rows.length === 0) return ''
  const used = columns.filter(([, value]) => rows.some(row => value(row) !== undefined))
  const cells = [used.map(([heading]) => heading), ...rows.map(row => used.map(([, value]) => value(row) ?? ''))]
  const widths = used.map((_, c) => Math.max(3, ...cells.map(line => line[c].length)))
  const line = texts => `| ${texts.map((text, c) => text.padStart(widths[c])).join(' | ')} |`
  const [head, ...body] = cells
  const rule = line(widths.map(width => `${'-'.repeat(width - 1)}:`))
  return [`\n${title}\n`, line(head), rule, ...body.map(line)].join('\n') + '\n'
}

/** Three significant digits. */
const number = value => {
  if (value === undefined) return undefined
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

const count = value => (value === undefined ? undefined : value.toLocaleString('en-US', { maximumFractionDigits: 0 }))
const ratio = value => (value === undefined ? undefined : `${value.toFixed(2)}x`)

/** @type {Column[]} */
const SIZE = [
  ['dim', row => count(row.dim)],
  ['pool', row => count(row.pool)],
  ['batch', row => count(row.batch)],
  ['engine', row => row.engine],
]

/** @type {Column[]} */
const TRAIN = [
  ...SIZE,
  ['ms/step', row => number(row.msPerStep)],
  ['s/epoch', row => number(row.secondsPerEpoch)],
  ['vs stacked', row => ratio(row.timesFasterThanStacked)],
  ['vs llamaindex', row => ratio(row.timesFasterThanLlamaindex)],
  ['vs cpu', row => ratio(row.timesFasterThanCpu)],
  ['x floor', row => ratio(row.timesFloor)],
  ['epoch end ms', row => number(row.epochEndMs)],
]

export const TABLES = {
  floor: rows =>
    table('Floor: the least a step can take on this CPU', rows, [
      ['dim', row => count(row.dim)],
      ['batch', row => count(row.batch)],
      ['GFlop', row => number(row.flops / 1e9)],
      ['GFlop/s', row => number(row.gigaflopsPerSecond)],
      ['MB', row => number(row.bytes / 1e6)],
      ['GB/s', row => number(row.gigabytesPerSecond)],
      ['ms of products', row => number(row.flopsMs)],
      ['ms of memory', row => number(row.bytesMs)],
      ['ms/step', row => number(row.msPerStep)],
      ['s/epoch', row => number(row.secondsPerEpoch)],
    ]),
  train: rows => {
    const ownPool = row => row.pool === undefined
    const llamaindex = row => row.engine === 'torch:llamaindex' || row.timesFasterThanLlamaindex !== undefined
    return [
      ['Training, 10,000 pairs, in-batch negatives', rows.filter(row => ownPool(row) && !llamaindex(row))],
      ["Training at the default batch against LlamaIndex's recipe at its own", rows.filter(llamaindex)],
      ['Training, 10,000 queries against a pool', rows.filter(row => !ownPool(row))],
    ]
      .map(([title, part]) => table(title, part, TRAIN))
      .join('')
  },
  apply: rows =>
    table('applyAdapter, one vector', rows, [
      ['dim', row => count(row.dim)],
      ['p50 ms', row => number(row.p50Ms)],
      ['p99 ms', row => number(row.p99Ms)],
      ['GB/s', row => number(row.gigabytesPerSecond)],
    ]),
  cache: rows =>
    table('Cache, 20,000 vectors of 1,536 dimensions', rows, [
      ['store', row => row.engine],
      ['write vectors/s', row => count(row.writeVectorsPerSecond)],
      ['write MB/s', row => number(row.writeMegabytesPerSecond)],
      ['write time vs file', row => ratio(row.writeTimesSlowerThanFile)],
      ['read vectors/s', row => count(row.readVectorsPerSecond)],
      ['read MB/s', row => number(row.readMegabytesPerSecond)],
      ['read time vs file', row => ratio(row.readTimesSlowerThanFile)],
    ]),
}
