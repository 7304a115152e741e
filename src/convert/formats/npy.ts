import { encodeTensor, tensorShape } from '../../adapters/safetensors.js'
import { wrong } from '../../adapters/stored-adapter.js'
import type { Matrix } from '../../math/matrix.js'
import { npyHeader, readNpy } from '../../vectors/npy.js'
import { factsFile } from '../facts.js'
import type { Format } from '../format.js'
import { paramsOfModule } from '../torch/state-dict.js'

const ENDING = '.npy'

/** A folder with an array for each parameter, such as `W.npy` and `b.npy`. */
export const npy: Format = {
  types: ['F32'],
  encode(adapter) {
    const arrays = Object.entries(adapter.params).map(([name, m]): [string, Uint8Array] => [
      `${name}${ENDING}`,
      Buffer.concat([npyHeader(...tensorShape(m)), encodeTensor(name, m, 'F32')]),
    ])
    return new Map([...arrays, factsFile(adapter)])
  },
  matches: ({ path, names }) => (names ? names.some(name => name.endsWith(ENDING)) : path.endsWith(ENDING)),
  async decode({ path, names, pathOf }) {
    const files: readonly (readonly [string, string])[] = names
      ? names.filter(name => name.endsWith(ENDING)).map(name => [name.slice(0, -ENDING.length), pathOf(name)])
      : [['W', path]]
    const arrays = new Map<string, Matrix>()
    for (const [name, file] of files) {
      const m = await readNpy(file, { vector: true })
      if (m.data.length === 0) throw wrong(file, 'holds no values')
      arrays.set(name, m)
    }
    return { params: paramsOfModule(arrays, path) }
  },
}
