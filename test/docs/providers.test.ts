import { expect, test } from 'vitest'
import { PRESETS, type Preset } from '../../src/providers/presets.js'
import { textOf } from './pages.js'

const code = (text: string): string => `\`${text}\``
const thousands = (n: number): string => n.toLocaleString('en-GB')

/** Fields of a role as a reader sees them, such as `input_type: query`. */
function shown(fields: object): string {
  const [entry] = Object.entries(fields)
  return entry ? code(`${entry[0]}: ${String(entry[1]).trim()}`) : 'nothing'
}

/** The row of a preset in docs/providers.md. */
function rowOf(name: string, preset: Preset): string {
  const { page, pricing, keyVariables, maxInputs, maxRequestTokens, model, models = {}, url } = preset
  const roles = preset.roles ?? models[model ?? '']?.roles
  const own = model ? code(model) : 'name one'
  const more = Object.keys(models).filter(each => each !== model)
  const limits = [`${thousands(maxInputs)} texts`, ...(maxRequestTokens ? [`${thousands(maxRequestTokens)} tokens`] : [])]
  const cells = [
    `[${code(name)}](${page})`,
    [own, ...more.map(code)].join(', '),
    roles ? `${shown(roles.query)}, ${shown(roles.document)}` : 'none',
    limits.join(', '),
    keyVariables.map(code).join(', ') || 'none',
    url ? 'its own' : '`--base-url`',
    pricing ? `[page](${pricing})` : 'free',
  ]
  return `| ${cells.join(' | ')} |`
}

test.each(Object.entries<Preset>(PRESETS))('the page on providers has the facts of %s', (name, preset) => {
  expect(textOf('docs/providers.md').split('\n')).toContain(rowOf(name, preset))
})
