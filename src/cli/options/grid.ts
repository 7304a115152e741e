import { type AdapterTrainError, usageError } from '../../errors.js'
import type { FixedOptions, Grid, OptionRow } from '../../train/options.js'
import { expandGrid, expectation, SWEPT_NAMES, TRAINING_OPTIONS } from '../../train/options.js'
import { kebab, nearest } from '../../words.js'

const GRID_NAMES = SWEPT_NAMES.map(kebab)

/** `["pull=10,100", "kind=linear,low-rank"]` -> every combination; values are checked as `train` checks them. */
export function parseGrid(words: readonly string[]): FixedOptions[] {
  const grid: Record<string, unknown[]> = {}
  for (const word of words) {
    const [, given, list] = /^([^=]*)=(.*)$/s.exec(word) ?? []
    if (!given || !list) throw wrong(`must be NAME=VALUE,VALUE,..., found "${word}"`)
    const option = SWEPT_NAMES[GRID_NAMES.indexOf(kebab(given))]
    if (option === undefined) {
      const near = nearest(kebab(given), GRID_NAMES)
      throw wrong(`knows no "${given}"${near ? ` (did you mean ${near}?)` : ''}; expected one of ${GRID_NAMES.join(', ')}`)
    }
    if (Object.hasOwn(grid, option)) throw wrong(`gives ${given} twice; list its values in one, ${given}=A,B`)
    grid[option] = list.split(',').map(text => readValue(kebab(given), TRAINING_OPTIONS[option], text.trim()))
    if (new Set(grid[option]).size < grid[option].length) throw wrong(`gives a value of ${given} twice: "${word}"`)
  }
  return expandGrid(grid as Grid)
}

function readValue(name: string, row: OptionRow, text: string): string | number {
  const { value } = row
  const found = value.type !== 'number' ? text : text === '' ? Number.NaN : Number(text)
  const expected = expectation(row, found)
  if (expected === undefined) return found
  const near = value.type === 'choice' ? nearest(text, value.choices) : undefined
  throw wrong(`${name} must be ${expected}, found "${text}"${near ? ` (did you mean ${near}?)` : ''}`)
}

const wrong = (problem: string): AdapterTrainError => usageError(`--grid ${problem}`)
