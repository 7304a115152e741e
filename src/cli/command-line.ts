import { kebab } from '../kebab.js'

const MASK = '[redacted]'
const SECRET = /(^|-)(keys?|token|secrets?|passwords?|authorization|headers?)$/

/**
 * The command line as a line for a shell, without secrets: values of options that are named like one, credentials and queries in
 * addresses, and values of environment variables that are named like one are masked.
 *
 * @param words those after the program's name
 */
export function commandLine(words: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    SECRET.test(kebabOf(name)) && value !== undefined && value.length >= 8 ? [value] : [],
  )
  const shown = words.map((word, i) => {
    const [, option, value] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
    if (option !== undefined && value !== undefined && SECRET.test(kebab(option))) return `--${option}=${MASK}`
    const [, before] = /^--([\w-]+)$/.exec(words[i - 1] ?? '') ?? []
    if (before !== undefined && SECRET.test(kebab(before))) return MASK
    return withoutCredentials(secrets.reduce((masked, secret) => masked.replaceAll(secret, MASK), word))
  })
  return ['adapter-train', ...shown.map(quoted)].join(' ')
}

function kebabOf(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

/** An address, or any text with addresses in it, without user:password@host, ?key=… and what looks like a key. */
export function withoutCredentials(word: string): string {
  return word
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/gi, `$1${MASK}@`)
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^?#\s]*)[?#]\S*/gi, `$1?${MASK}`)
    .replace(/\b(sk|pk|rk)-[\w-]{8,}/g, MASK)
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
