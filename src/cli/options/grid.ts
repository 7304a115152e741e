import { AdapterTrainError } from '../../errors.js'
import { kebab } from '../../kebab.js'
import { nearest } from '../../nearest.js'
import type { FixedOptions } from '../../train/tune/candidate.js'
import { expandGrid, GRID_OPTIONS, type Grid } from '../../train/tune/grid.js'
import { trainCommand } from '../commands/train.js'

/** Names that `--grid` takes. */
const GRID_NAMES = GRID_OPTIONS.map(kebab)

/**
 * `["pull=10,100", "kind=linear,low-rank"]` -> every combination; values are checked as `train` checks them.
 * @throws USAGE when a name is unknown or given twice, or a value is wrong
 */
export function parseGrid(words: readonly string[]): FixedOptions[] {
  const grid: Record<string, unknown[]> = {}
  for (const word of words) {
    const [, given, list] = /^([^=]*)=(.*)$/s.exec(word) ?? []
    if (!given || !list) throw wrong(`must be NAME=VALUE,VALUE,..., found "${word}"`)
    const option = GRID_OPTIONS[GRID_NAMES.indexOf(kebab(given))]
    if (option === undefined) {
      const near = nearest(kebab(given), GRID_NAMES)
      throw wrong(
        `knows no "${given}"${near ? ` (did you mean ${near}?)` : ''}; expected one of ${GRID_NAMES.join(', ')}`,
      )
    }
    if (Object.hasOwn(grid, option)) throw wrong(`gives ${given} twice; list its values in one, ${given}=A,B`)
    grid[option] = list.split(',').map(text => readValue(kebab(given), text.trim()))
    if (new Set(grid[option]).size < grid[option].length) throw wrong(`gives a value of ${given} twice: "${word}"`)
  }
  return expandGrid(grid as Grid)
}

function readValue(name: string, text: string): unknown {
  const { type, choices, coerce } = trainCommand.options[name] ?? { type: 'number' }
  if (choices) {
    if (choices.includes(text)) return text
    const near = nearest(text, choices.map(String))
    throw wrong(
      `${name} must be one of ${choices.join(', ')}, found "${text}"${near ? ` (did you mean ${near}?)` : ''}`,
    )
  }
  const value = type === 'number' ? (text === '' ? Number.NaN : Number(text)) : text
  try {
    return coerce ? coerce(value) : value
  } catch (cause) {
    throw wrong(`${(cause as Error).message.replace(/^--/, '')}, in "${text}"`)
  }
}

function wrong(problem: string): AdapterTrainError {
  return new AdapterTrainError('USAGE', `--grid ${problem}`)
}
