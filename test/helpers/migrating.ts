import { expect } from 'vitest'
import { blocksOf } from '../docs/pages.js'

/** Runs one statement. */
type Query = (sql: string, values?: readonly unknown[]) => Promise<{ readonly rows: readonly object[] }>

const [OLD, NEW, ROWS] = [3, 4, 40]

/** Returns a block of docs/migrating.md that is for no program at hand. */
export function recipe(start: string): string {
  const found = blocksOf('docs/migrating.md').find(({ code }) => code.startsWith(start))
  if (!found) throw new Error(`docs/migrating.md has no block that begins with "${start}"`)
  return found.code
}

export const vectorOf = (seed: number, length: number): number[] =>
  Array.from({ length }, (_, j) => Math.sin(seed * (7 * j + 3) + length))

const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, j) => sum + x * b[j], 0) / Math.hypot(...a) / Math.hypot(...b)

/** The nearest ids to a query of each space, by hand. */
export function nearest(ids: readonly number[], query: number, length: number, count: number): number[] {
  const q = vectorOf(query, length)
  const scores = ids.map(id => ({ id, score: cosine(vectorOf(id, length), q) }))
  return scores
    .sort((a, b) => b.score - a.score)
    .slice(0, count)
    .map(({ id }) => id)
}

/** Performs the steps of docs/migrating.md for pgvector: none, half, and all of the rows embedded with the new model. */
export async function migrateColumns(query: Query): Promise<void> {
  const text = (vector: readonly number[]) => JSON.stringify(vector)
  await query(`create table docs (id integer primary key, embedding vector(${OLD}))`)
  for (let id = 1; id <= ROWS; id++) await query(`insert into docs values (${id}, '${text(vectorOf(id, OLD))}')`)
  const statements = recipe('alter table docs')
    .replace('1024', String(NEW))
    .replace(/^--.*$/gm, '')
    .split(';')
  const [add, index, search] = statements.map(sql => sql.trim())
  await query(add)
  await query(index)
  const found = async () => {
    const { rows } = await query(search, [text(vectorOf(100, OLD)), text(vectorOf(100, NEW))])
    return rows.map(row => Number((row as { id: number }).id))
  }
  const all = Array.from({ length: ROWS }, (_, i) => i + 1)
  expect(await found()).toEqual(nearest(all, 100, OLD, 10))
  const embed = async (ids: readonly number[]) => {
    for (const id of ids) await query(`update docs set embedding_new = '${text(vectorOf(id, NEW))}' where id = ${id}`)
  }
  const [half, rest] = [all.slice(0, ROWS / 2), all.slice(ROWS / 2)]
  await embed(half)
  // Ranks are merged, of which each comes twice: five of each place.
  const expected = [...nearest(half, 100, NEW, 5), ...nearest(rest, 100, OLD, 5)]
  expect((await found()).sort()).toEqual(expected.sort())
  await embed(rest)
  expect(await found()).toEqual(nearest(all, 100, NEW, 10))
}
