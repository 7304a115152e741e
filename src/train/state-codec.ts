const TYPES = { Float32Array, Float64Array, Uint32Array } as const
type Numbers = InstanceType<(typeof TYPES)[keyof typeof TYPES]>

/** Where a typed array stands in the bytes after the JSON. */
interface Place {
  readonly $array: keyof typeof TYPES
  readonly offset: number
  readonly length: number
}

const ALIGNMENT = 8

/**
 * Plain data with typed arrays in it as bytes: the length of the JSON (uint32, little-endian), the JSON with a place in the stead of
 * every typed array, then the arrays' own bytes. An array that stands in several places is stored once.
 *
 * @returns the parts in their order, not joined
 */
export function encodeState(value: unknown): Uint8Array[] {
  const arrays: Uint8Array[] = []
  const places = new Map<Numbers, Place>()
  let offset = 0
  const json = Buffer.from(
    JSON.stringify(value, (_, item) => {
      const type = typeOf(item)
      if (type === undefined) return item
      let place = places.get(item)
      if (!place) {
        const bytes = new Uint8Array(item.buffer, item.byteOffset, item.byteLength)
        place = { $array: type, offset, length: item.length }
        places.set(item, place)
        const padding = -bytes.length & (ALIGNMENT - 1)
        arrays.push(bytes, new Uint8Array(padding))
        offset += bytes.length + padding
      }
      return place
    }),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return [length, json, ...arrays]
}

/** The value that {@link encodeState} was given; arrays that were one may come back as several. */
export function decodeState(bytes: Buffer): unknown {
  const end = 4 + bytes.readUInt32LE()
  const payload = bytes.subarray(end)
  return JSON.parse(bytes.subarray(4, end).toString(), (_, item) => {
    if (typeof item !== 'object' || item === null || !('$array' in item)) return item
    const { $array, offset, length } = item as Place
    const array = new TYPES[$array](length)
    new Uint8Array(array.buffer).set(payload.subarray(offset, offset + array.byteLength))
    return array
  })
}

function typeOf(item: unknown): keyof typeof TYPES | undefined {
  if (!ArrayBuffer.isView(item)) return undefined
  return (Object.keys(TYPES) as (keyof typeof TYPES)[]).find(name => item instanceof TYPES[name])
}
