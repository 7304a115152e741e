import { MAX_DEPTH } from '../json.js'
import { invalidFile, readTextFile } from './text-file.js'

/** Error in a JSON text (RFC 8259). */
export class JsonSyntaxError extends SyntaxError {
  /** 0-based, in UTF-16 code units. */
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** Digits from which a whole number may be too large for a double. */
const LONG_NUMBER = /\d{16}/
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' }
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/**
 * Walks a JSON text member by member.
 *
 * `JSON.parse` silently keeps the last of two equal keys, forgets lines, and does not always give the place of an
 * error, all of which matter in a file to be mended.
 */
export class JsonCursor {
  readonly text: string
  offset = 0

  constructor(text: string) {
    this.text = text
  }

  /** The next character that is not white space; empty at the end. */
  peek(): string {
    const { text } = this
    for (; this.offset < text.length; this.offset++) {
      const c = text.charCodeAt(this.offset)
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return text[this.offset]
    }
    return ''
  }

  /** Reads an object; `onMember` has to consume the member's value, repeated keys included. */
  object(onMember: (key: string, keyOffset: number) => void): void {
    this.expect('{')
    if (this.take('}')) return
    do {
      if (this.peek() !== '"') this.fail('a key in double quotes')
      const start = this.offset
      const key = this.value() as string
      this.expect(':')
      this.peek()
      onMember(key, start)
    } while (this.take(','))
    if (!this.take('}')) this.fail("',' or '}'")
  }

  /** Reads an array; `onElement` has to consume the element. */
  array(onElement: (index: number) => void): void {
    this.expect('[')
    if (this.take(']')) return
    let index = 0
    do {
      this.peek()
      onElement(index++)
    } while (this.take(','))
    if (!this.take(']')) this.fail("',' or ']'")
  }

  /** Reads any value; a whole number that a double would round, alone or in a list, stays the text that it is in the file. */
  value(): unknown {
    this.peek()
    const start = this.offset
    this.skip()
    const text = this.text.slice(start, this.offset)
    if (!LONG_NUMBER.test(text) || text[0] === '"' || text[0] === '{') return JSON.parse(text)
    if (text[0] !== '[') return exactNumber(text)
    const values: unknown[] = []
    this.offset = start
    this.array(() => {
      const from = this.offset
      this.skip()
      const item = this.text.slice(from, this.offset)
      values.push(/^[-\d]/.test(item) ? exactNumber(item) : JSON.parse(item))
    })
    return values
  }

  skip(depth = 0): void {
    const c = this.peek()
    if (depth > MAX_DEPTH) this.fail(`at most ${MAX_DEPTH} levels of nesting`)
    if (c === '"') this.skipString()
    else if (c === '{') this.object(() => this.skip(depth + 1))
    else if (c === '[') this.array(() => this.skip(depth + 1))
    else if (c in LITERALS && this.text.startsWith(LITERALS[c], this.offset)) this.offset += LITERALS[c].length
    else {
      NUMBER.lastIndex = this.offset
      if (!NUMBER.test(this.text)) this.fail('a value')
      this.offset = NUMBER.lastIndex
    }
  }

  /** Asserts that nothing follows. */
  end(): void {
    if (this.peek() !== '') this.fail('the end')
  }

  private take(c: string): boolean {
    if (this.peek() !== c) return false
    this.offset++
    return true
  }

  private expect(c: string): void {
    if (!this.take(c)) this.fail(`'${c}'`)
  }

  private skipString(): void {
    const { text } = this
    const { length } = text
    let i = this.offset + 1
    while (i < length) {
      const c = text.charCodeAt(i)
      if (c === 34) {
        this.offset = i + 1
        return
      }
      if (c < 32) this.fail(`'"' or an escape such as \\n`, i)
      if (c !== 92) i++
      else if ('"\\/bfnrt'.includes(text[i + 1] ?? ' ')) i += 2
      else if (text[i + 1] === 'u' && /^[0-9a-fA-F]{4}$/.test(text.slice(i + 2, i + 6))) i += 6
      else this.fail('a valid escape', i)
    }
    this.fail(`'"' at the end of a string`, length)
  }

  private fail(expected: string, offset = this.offset): never {
    const found = offset >= this.text.length ? 'the end of the text' : describe(this.text, offset)
    throw new JsonSyntaxError(`expected ${expected}, found ${found}`, offset)
  }
}

function describe(text: string, offset: number): string {
  const c = text[offset]
  if (c === '\n' || c === '\r') return 'a line break'
  return JSON.stringify(c === '\\' || /[A-Za-z]/.test(c) ? text.slice(offset).match(/^\\?\w{0,12}/)![0] : c)
}

function exactNumber(text: string): number | string {
  const value = Number(text)
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? text : value
}

/** Reads the keys of the object at the start of a text, as far as it is valid. */
export function leadingKeys(text: string): string[] {
  const keys: string[] = []
  const cursor = new JsonCursor(text)
  try {
    cursor.object(key => {
      keys.push(key)
      cursor.skip()
    })
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
  }
  return keys
}

/** Finds the 1-based line of offsets that only grow, each character being looked at once. */
export function createLineFinder(text: string): (offset: number) => number {
  let line = 1
  let next = text.indexOf('\n')
  return offset => {
    while (next >= 0 && next < offset) {
      line++
      next = text.indexOf('\n', next + 1)
    }
    return line
  }
}

/** Walks a whole JSON file. @throws DATASET_INVALID with line and column if it is not JSON */
export async function readJsonDocument(path: string, walk: (cursor: JsonCursor) => void): Promise<void> {
  const text = await readTextFile(path)
  const cursor = new JsonCursor(text)
  try {
    walk(cursor)
    cursor.end()
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    const { offset } = error
    const line = createLineFinder(text)(offset)
    const column = offset - (offset === 0 ? -1 : text.lastIndexOf('\n', offset - 1))
    throw invalidFile({ file: path, line }, `is not JSON: column ${column}: ${error.message}`, error)
  }
}
