import { closedForm } from '../adapters/closed-forms/index.js'
import { ADAPTER_KIND_NAMES, adapterMap } from '../adapters/index.js'
import type { Weights } from '../adapters/kind.js'

/** The kinds of adapter that other programs' files may hold. */
export const KIND_NAMES: readonly string[] = ADAPTER_KIND_NAMES.filter(name => !closedForm(name))

/** A number of dimensions, and a size of a kind that cannot be taken for it. */
const [DIMENSIONS, SIZE] = [1009, 7]

const specsOf = (kind: string) => adapterMap(kind).params(DIMENSIONS, SIZE)

/** Whether some kind has a parameter of this name. */
export function isParameter(name: string): boolean {
  return KIND_NAMES.some(kind => specsOf(kind).some(spec => spec.name === name))
}

/** The kind that has these parameters and no others; undefined where there is none. */
export function kindWith(params: Weights): string | undefined {
  const names = Object.keys(params)
  return KIND_NAMES.find(kind => {
    const specs = specsOf(kind)
    return specs.length === names.length && specs.every(({ name }) => names.includes(name))
  })
}

/** Dimensions of the embedding that an adapter of this kind takes; undefined where the weights do not tell. */
export function inputDimensions(kind: string, params: Weights): number | undefined {
  const spec = KIND_NAMES.includes(kind) ? specsOf(kind).find(({ cols }) => cols === DIMENSIONS) : undefined
  return spec && params[spec.name]?.cols
}
