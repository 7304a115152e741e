import { AdapterTrainError } from '../errors.js'

/** A checked address of a service. */
export interface BaseUrl {
  /** Without a slash at the end; holds no user name, password or query, so it can be shown. */
  readonly href: string
  /** Host without port; every loopback name and address is `localhost`. */
  readonly hostname: string
}

const LOOPBACK =
  /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::\]|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]+\])$/

/**
 * Reads the address of a service.
 *
 * @param source where the address was given, for the error: `option baseUrl` or an environment variable
 * @throws USAGE when it is not an http(s) address or holds a user name, a password, a query or a fragment
 */
export function parseBaseUrl(value: string, source: string): BaseUrl {
  const text = value.trim()
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    // What cannot be parsed may still hold a password or a key, so it is shown only where it has no place for one.
    const shown = /[@?#]/.test(text) ? '' : ` ${JSON.stringify(text)}`
    throw new AdapterTrainError(
      'USAGE',
      `The base URL${shown} (${source}) is not valid: expected an http:// or https:// address such as http://localhost:11434/v1`,
    )
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new AdapterTrainError(
      'USAGE',
      `The base URL for ${url.host} (${source}) must not hold a user name, a password, a query or a fragment: ` +
        'give the address alone, and the key as { apiKey } or in its environment variable',
    )
  }
  const host = url.hostname.replace(/\.$/, '')
  return { href: url.href.replace(/\/+$/, ''), hostname: LOOPBACK.test(host) ? 'localhost' : host }
}
