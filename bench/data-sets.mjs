import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readDataset } from '../dist/dataset/read.js'
import { createRandom, permutation } from '../dist/math/random.js'

/**
 * Folders with a training and a test set: DIR itself, and those in it.
 * @param {string} root
 */
export function dataFolders(root) {
  const below = readdirSync(root, { withFileTypes: true }).filter(entry => entry.isDirectory())
  return [root, ...below.map(({ name }) => join(root, name))].filter(folder => filesOf(folder)).sort()
}

/**
 * Reads both sets of a folder.
 * @param {string} folder
 */
export async function readSets(folder) {
  const files = filesOf(folder)
  const [{ dataset: train }, { dataset: test }] = [await readDataset(files.train), await readDataset(files.test)]
  const labelled = [...train.queries.keys()].filter(id => [...(train.qrels.get(id)?.values() ?? [])].some(g => g > 0))
  return { name: basename(folder), train, test, labelled }
}

/**
 * The training set with so many of its labelled queries, drawn by a seed; all documents stay.
 * @param {Awaited<ReturnType<typeof readSets>>} sets
 * @param {number} size
 * @param {number} seed
 */
export function drawQueries({ train, labelled }, size, seed) {
  const drawn = permutation(labelled.length, createRandom(1000 + seed)).subarray(0, size)
  return { ...train, queries: new Map(Array.from(drawn, i => [labelled[i], train.queries.get(labelled[i])])) }
}

function filesOf(folder) {
  for (const end of ['.json', '_dataset.json']) {
    const [train, test] = ['train', 'test'].map(part => join(folder, `${part}${end}`))
    if (existsSync(train) && existsSync(test)) return { train, test }
  }
  return undefined
}
