import { AdapterTrainError } from '../errors.js'

/**
 * The key of a service: the option, else the first environment variable that is set.
 *
 * @param required whether the service refuses every request without a key
 * @param maker the function that takes the option, for the error
 * @throws PROVIDER_KEY when a required key is missing, or when the key cannot be one
 */
export function resolveApiKey(
  provider: string,
  option: string | undefined,
  variables: readonly string[],
  required: boolean,
  maker = 'createProvider',
): string | undefined {
  const candidates: [source: string, value: string | undefined][] = [
    ['the option apiKey', option],
    ...variables.map((name): [string, string | undefined] => [name, process.env[name]]),
  ]
  for (const [source, value] of candidates) {
    const key = value?.trim()
    if (!key) continue
    // Checked here because fetch quotes the whole header, and with it the key, when a character is not allowed in it.
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw new AdapterTrainError(
        'PROVIDER_KEY',
        `The ${provider} key from ${source} holds a blank or a character that no key has, such as the "…" of a shortened ` +
          'display: copy the whole key again',
        { details: { provider, source } },
      )
    }
    return key
  }
  if (!required) return undefined
  throw new AdapterTrainError(
    'PROVIDER_KEY',
    `No key for ${provider}: set ${variables.join(' or ')}, or pass { apiKey } to ${maker}`,
    { details: { provider, variables } },
  )
}
