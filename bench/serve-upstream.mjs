import { createServer } from 'node:http'
import { row } from '../dist/math/matrix.js'
import { randomUnitRows } from './random-data.mjs'

/** Texts that the load is made of, and the seed of their vectors. */
export const TEXTS = 32
export const SEED = 7

/**
 * The vector of every text.
 * @param {number} dim
 */
export function textVectors(dim) {
  const all = randomUnitRows(TEXTS, dim, SEED)
  return Array.from({ length: TEXTS }, (_, i) => row(all, i).slice())
}

/** Little-endian float32 values in base64. */
export const toBase64 = vector => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')

/**
 * Plays an embeddings service of OpenAI's protocol with a fixed latency, as a process of its own: text `3` has vector 3.
 * Sends its port to the process that started it.
 */
function play(dim, latencyMs) {
  const items = textVectors(dim).map(vector => toBase64(vector))
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', chunk => {
      text += chunk
    })
    request.on('end', () => {
      const { input, model } = JSON.parse(text)
      const data = [input].flat().map((name, index) => ({ object: 'embedding', index, embedding: items[Number(name)] }))
      const usage = { prompt_tokens: data.length, total_tokens: data.length }
      const body = JSON.stringify({ object: 'list', data, model, usage })
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
        response.end(body)
      }, latencyMs)
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }))
  process.on('disconnect', () => process.exit())
}

if (process.send && process.argv[2] === 'play') play(Number(process.argv[3]), Number(process.argv[4]))
