import { kebab } from '../kebab.js'

/** `{ batchSize: 8, pull: 10 }` -> "batch-size 8, pull 10" */
export function optionWords(options: object): string {
  const words = Object.entries(options).map(([name, value]) => `${kebab(name)} ${value}`)
  return words.length > 0 ? words.join(', ') : 'recipe'
}
