const MASK = '[redacted]'
// Shorter runs than this are found in ordinary words too.
const REVEALING_RUN = 8

/**
 * Takes keys out of a text that a service or a library wrote: the key itself, a piece of 8 or more characters of it, and
 * everything that looks like a masked or a foreign key (`sk-…`, `abc***xyz`).
 *
 * @param key the key that was sent, where there was one
 */
export function redact(text: string, key?: string): string {
  const whole = key && key.length >= REVEALING_RUN ? text.replaceAll(key, MASK) : text
  return whole.replace(/[^\s"'`,;:()<>{}[\]]+/g, token => (looksLikeKey(token, key) ? MASK : token))
}

function looksLikeKey(token: string, key: string | undefined): boolean {
  if (/^(sk|pk|rk)-[\w*.-]+/i.test(token) || /\*{3,}|•{3,}/.test(token)) return true
  if (!key) return false
  if (key.length < REVEALING_RUN) return token === key
  for (let i = 0; i + REVEALING_RUN <= key.length; i++) {
    if (token.includes(key.slice(i, i + REVEALING_RUN))) return true
  }
  return false
}
