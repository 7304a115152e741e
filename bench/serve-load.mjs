import { Agent, request } from 'node:http'

/**
 * Sends embeddings requests over a number of connections, each at fixed times of its own, so that a slow answer does not thin the
 * load out; with `rate` 0 each sends as soon as it has its answer.
 *
 * @param {object} setting
 * @param {string} setting.url
 * @param {string} setting.model
 * @param {number} setting.connections
 * @param {number} setting.rate requests a second, all connections together
 * @param {number} setting.seconds
 * @param {number} setting.texts how many texts there are; their names are their numbers
 * @param {(text: number, answer: Buffer, headers: import('node:http').IncomingHttpHeaders) => string | undefined} setting.check
 *   says what is wrong with an answer
 * @returns milliseconds from the time at which each request was due to its answer's end, and what went wrong how often
 */
export async function sendLoad({ url, model, connections, rate, seconds, texts, check }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const bodies = Array.from({ length: texts }, (_, i) => JSON.stringify({ model, input: String(i), encoding_format: 'base64' }))
  const times = []
  const errors = new Map()
  const begin = performance.now()
  const end = begin + seconds * 1000
  const gap = rate > 0 ? (1000 * connections) / rate : 0
  const connection = async index => {
    for (let n = 0; ; n++) {
      const due = gap > 0 ? begin + gap * (n + index / connections) : performance.now()
      if (due >= end) return
      const wait = due - performance.now()
      if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
      // A timer fires up to a millisecond late, which is not the server's.
      const sent = Math.max(due, wait > 0 ? performance.now() : due)
      const text = (index + n) % texts
      const { status, body, headers, error } = await post(agent, url, bodies[text])
      times.push(performance.now() - sent)
      const wrong = error ?? (status === 200 ? check(text, body, headers) : `HTTP ${status}`)
      if (wrong) errors.set(wrong, (errors.get(wrong) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, index) => connection(index)))
  const elapsed = performance.now() - begin
  agent.destroy()
  return { times, errors, perSecond: (1000 * times.length) / elapsed }
}

/**
 * @param {Agent | undefined} agent
 * @returns {Promise<{ status?: number, body?: Buffer, headers?: object, error?: string }>}
 */
export function post(agent, url, body) {
  return new Promise(resolve => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request(`${url}/v1/embeddings`, { method: 'POST', agent, headers }, answer => {
      const chunks = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks), headers: answer.headers }))
      answer.on('error', error => resolve({ error: error.message }))
    })
    sent.on('error', error => resolve({ error: error.code ?? error.message }))
    sent.end(body)
  })
}
