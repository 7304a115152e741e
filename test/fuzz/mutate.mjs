// Mutations of small valid files under a seed: of bytes, of text, and of the values of JSON.

/** Numbers at the borders of what formats can say. */
const NUMBERS = ['0', '-1', '1e308', '-1e400', '4294967296', '9007199254740993', '0.1', 'NaN', '99999999999999999999']
const WEIRD = [null, true, -1, 0.5, 1e308, 2 ** 53, '', 'x'.repeat(3000), [], {}, [[]], '__proto__', '\u0000\u001b[31m', '\ud800']

/** @param tokens pieces of the format, such as opcodes, keywords and brackets */
export function mutate(random, bytes, others, tokens) {
  const asJson = random.next() < 0.35 ? mutateJson(random, bytes) : undefined
  let out = asJson ?? bytes
  const rounds = asJson ? random.int(2) : 1 + random.int(4)
  for (let i = 0; i < rounds; i++) out = MUTATIONS[random.int(MUTATIONS.length)](random, out, others, tokens)
  return out.subarray(0, 4 << 20)
}

const pick = (random, list) => list[random.int(list.length)]
const place = (random, bytes) => random.int(bytes.length + 1)

function range(random, bytes) {
  const from = place(random, bytes)
  const length = random.next() < 0.5 ? random.int(8) : random.int(bytes.length + 1)
  return [from, Math.min(bytes.length, from + length)]
}

const insert = (bytes, at, more) => Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])

const MUTATIONS = [
  function flip(random, bytes) {
    const out = Buffer.from(bytes)
    for (let i = 1 + random.int(8); i > 0 && out.length > 0; i--) out[random.int(out.length)] ^= 1 << random.int(8)
    return out
  },
  function overwrite(random, bytes) {
    const out = Buffer.from(bytes)
    const value = pick(random, [0, 1, 0x7f, 0x80, 0xff])
    const [from, to] = range(random, out)
    return out.fill(value, from, Math.min(to, from + 8))
  },
  function integer(random, bytes) {
    if (bytes.length < 8) return bytes
    const out = Buffer.from(bytes)
    const value = pick(random, [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, BigInt(bytes.length)])
    const at = random.int(bytes.length - 7)
    if (random.next() < 0.5) out.writeBigUInt64LE(value, at)
    else out.writeUInt32LE(Number(value & 0xffffffffn), at)
    return out
  },
  (random, bytes) => bytes.subarray(0, place(random, bytes)),
  function remove(random, bytes) {
    const [from, to] = range(random, bytes)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  function copy(random, bytes) {
    const [from, to] = range(random, bytes)
    return insert(bytes, place(random, bytes), bytes.subarray(from, to))
  },
  function repeat(random, bytes) {
    const [from, to] = range(random, bytes)
    const part = bytes.subarray(from, Math.min(to, from + 40))
    const times = 2 ** random.int(12)
    return insert(bytes, place(random, bytes), Buffer.concat(Array.from({ length: times }, () => part)))
  },
  (random, bytes, others) => {
    const other = pick(random, others)
    return Buffer.concat([bytes.subarray(0, place(random, bytes)), other.subarray(place(random, other))])
  },
  (random, bytes, _, tokens) => insert(bytes, place(random, bytes), Buffer.from(pick(random, tokens), 'latin1')),
  function nest(random, bytes, _, tokens) {
    const token = Buffer.from(pick(random, tokens), 'latin1')
    const times = 2 ** random.int(14)
    return insert(bytes, place(random, bytes), Buffer.concat(Array.from({ length: times }, () => token)))
  },
  function number(random, bytes) {
    const text = bytes.toString('latin1')
    const found = [...text.matchAll(/-?\d+(?:\.\d+)?/g)]
    if (found.length === 0) return bytes
    const { index, 0: old } = pick(random, found)
    return Buffer.from(text.slice(0, index) + pick(random, NUMBERS) + text.slice(index + old.length), 'latin1')
  },
]

/** Replaces a value of a JSON text, or of one of its lines; undefined if there is none. */
function mutateJson(random, bytes) {
  const text = bytes.toString('utf8')
  const whole = parsed(text)
  if (whole !== undefined) return Buffer.from(JSON.stringify(replaced(random, whole)))
  const lines = text.split('\n')
  const i = random.int(lines.length)
  const value = parsed(lines[i])
  if (value === undefined) return undefined
  lines[i] = JSON.stringify(replaced(random, value))
  return Buffer.from(lines.join('\n'))
}

function parsed(text) {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function replaced(random, root) {
  const places = []
  const visit = (value, set) => {
    places.push(set)
    if (typeof value !== 'object' || value === null) return
    for (const key of Object.keys(value)) {
      visit(value[key], weird => {
        value[key] = weird
      })
    }
  }
  let result = root
  visit(root, weird => {
    result = weird
  })
  const weird = random.next() < 0.05 ? deep(random.int(3000)) : pick(random, WEIRD)
  pick(random, places)(weird)
  return result
}

function deep(levels) {
  let value = []
  for (let i = 0; i < levels; i++) value = [value]
  return value
}
