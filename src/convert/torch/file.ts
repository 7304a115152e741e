import { encodeTensor, tensorShape } from '../../adapters/safetensors.js'
import { damaged, wrong } from '../../adapters/stored-adapter.js'
import type { Matrix } from '../../math/matrix.js'
import { readStrided } from './state-dict.js'
import { pickleStateDict, unpickleStateDict } from './unpickle.js'
import { decodeZip, encodeZip } from './zip.js'

/** Folder within the archive; PyTorch names it after the file. */
const FOLDER = 'pytorch_model'

/** Writes a state dict like `torch.save`: a ZIP archive of a pickle and of the values. */
export function encodeTorchFile(tensors: ReadonlyMap<string, Matrix>): Uint8Array {
  const entries = [...tensors].map(([name, m], i) => ({ name, m, key: String(i) }))
  const pickle = pickleStateDict(new Map(entries.map(({ name, m, key }) => [name, { key, shape: tensorShape(m) }])))
  return encodeZip(
    new Map([
      [`${FOLDER}/data.pkl`, pickle],
      [`${FOLDER}/byteorder`, Buffer.from('little')],
      ...entries.map(({ name, m, key }) => [`${FOLDER}/data/${key}`, encodeTensor(name, m, 'F32')] as const),
      [`${FOLDER}/version`, Buffer.from('3\n')],
    ]),
  )
}

/** True if the bytes begin like a file of PyTorch, of the present format or that before version 1.6. */
export function looksLikeTorchFile(bytes: Uint8Array): boolean {
  return bytes.length > 2 && ((bytes[0] === 0x50 && bytes[1] === 0x4b) || (bytes[0] === 0x80 && bytes[1] <= 5))
}

/** Reads a state dict that PyTorch saved, executing nothing of it. Returns matrices by name; a vector is a matrix of one row. */
export function decodeTorchFile(bytes: Uint8Array, where: string): Map<string, Matrix> {
  if (bytes[0] === 0x80)
    throw wrong(where, 'is in the format of PyTorch before 1.6; load it there and save it again with torch.save')
  const files = decodeZip(bytes, where)
  const pickleName = [...files.keys()].find(name => /^[^/]+\/data\.pkl$/.test(name))
  if (pickleName === undefined) throw wrong(where, 'is a ZIP archive without data.pkl, not a file of torch.save')
  const folder = pickleName.slice(0, -'data.pkl'.length)
  const order = files.get(`${folder}byteorder`)
  if (order && Buffer.from(order).toString() !== 'little') throw wrong(where, 'was saved on a big-endian machine')
  const tensors = unpickleStateDict(files.get(pickleName) as Uint8Array, where)
  return new Map(
    [...tensors].map(([name, reference]) => {
      const values = files.get(`${folder}data/${reference.key}`)
      if (!values) throw damaged(where, `the values of "${name}" are missing`)
      return [name, readStrided(reference, values, `${where}: tensor "${name}"`)]
    }),
  )
}
