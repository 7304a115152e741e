import { totalmem } from 'node:os'
import { usageError } from './errors.js'

/** Default memory limit for vectors in bytes: half of the machine's memory, or of its container's. */
export const MEMORY_DEFAULT = Math.floor(Math.min(totalmem(), process.constrainedMemory() || totalmem()) / 2)

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  ...Object.fromEntries(['k', 'm', 'g', 't'].map((unit, i) => [unit, 1000 ** (i + 1)])),
  ...Object.fromEntries(['ki', 'mi', 'gi', 'ti'].map((unit, i) => [unit, 1024 ** (i + 1)])),
}

/** Parses `4GB` (4 x 10^9 bytes), `512MiB` (512 x 2^20), `1.5g` or `1000000`. @throws USAGE if it is not above 0 */
export function parseBytes(text: string): number {
  const found = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([kmgt]i?)?b?\s*$/i.exec(text)
  const bytes = found ? Math.floor(Number(found[1]) * UNITS[(found[2] ?? '').toLowerCase()]) : 0
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes
  throw usageError(`expected an amount of memory such as 4GB, 512MB or 2GiB, found "${text}"`)
}
