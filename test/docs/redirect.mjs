// Loaded into every Node process of a snippet: sends calls of the services to the fakes, and lets nothing else leave the machine.
const fakes = process.env.FAKE_SERVICES
const { fetch } = globalThis

globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  if (/^(api\.(openai|cohere)\.com|localhost:11434)$/.test(url.host)) {
    const moved = new URL(url.pathname + url.search, fakes)
    return fetch(input instanceof Request ? new Request(moved, input) : moved, init)
  }
  if (!/^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname) && url.protocol.startsWith('http')) {
    return Promise.reject(new Error(`a snippet asks ${url.host} for something; tests have no network`))
  }
  return fetch(input, init)
}
