import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { completion } from './fake-chat.js'
import { toBase64 } from './fake-openai.js'
import { fakeTokens, fakeVector } from './fake-vector.js'
import { requestBody } from './request-body.js'

/** One request of a batch's input file. */
export interface BatchLine {
  readonly custom_id: string
  readonly url: string
  // biome-ignore lint/suspicious/noExplicitAny: bodies of either endpoint
  readonly body: any
}

/** What becomes of a request: its normal answer, an error line, no line at all, or a line as given. */
export type Fate = 'ok' | 'error' | 'missing' | object

export interface FakeBatchOptions {
  readonly apiKey?: string
  readonly dimensions?: number
  /** Length of a vector, by the text. */
  readonly dimensionsOf?: (text: string) => number
  /** By the number of the batch, from 0. */
  readonly fate?: (line: BatchLine, batch: number) => Fate
  /** What the chat model says. */
  readonly say?: (prompt: string) => string
  /** Refuses a batch as a whole when it is validated. */
  readonly invalid?: (batch: number) => string | undefined
  /** Ends a batch as expired after so many answers. */
  readonly expireAfter?: (batch: number) => number | undefined
  /** Answers to a request for a path, instead of the normal one. */
  readonly intercept?: (method: string, path: string, count: number) => number | 'drop-after' | undefined
}

export interface FakeBatchApi {
  readonly url: string
  /** `METHOD path`, in order of arrival. */
  readonly calls: readonly string[]
  /** Lines of each created batch. */
  readonly batches: readonly (readonly BatchLine[])[]
  /** Whether batches stay in progress. */
  held: boolean
  close(): Promise<void>
}

interface FakeBatch {
  readonly id: string
  readonly file: string
  readonly metadata: unknown
  readonly created_at: number
}

/** Plays `/v1/files` and `/v1/batches`; answers come last request first. It has no other endpoint. */
export async function startFakeBatchApi(options: FakeBatchOptions = {}): Promise<FakeBatchApi> {
  const files = new Map<string, string>()
  const made: FakeBatch[] = []
  const calls: string[] = []
  const sockets = new Set<Socket>()
  const linesOf = (batch: FakeBatch): BatchLine[] =>
    files
      .get(batch.file)!
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))

  const answer = ({ url, body }: BatchLine): object => {
    if (url === '/v1/chat/completions') {
      const prompt = body.messages[0].content
      const content = options.say?.(prompt) ?? '{"questions":[]}'
      return completion(prompt, { role: 'assistant', content, refusal: null }, 'stop').body as object
    }
    const texts = body.input as string[]
    const data = texts.map((text, index) => {
      const dimensions = options.dimensionsOf?.(text) ?? options.dimensions ?? 8
      return { object: 'embedding', index, embedding: toBase64(fakeVector(text, dimensions)) }
    })
    const tokens = texts.reduce((sum, text) => sum + fakeTokens(text), 0)
    return {
      object: 'list',
      data: data.reverse(),
      model: body.model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    }
  }

  const state = (batch: FakeBatch): object => {
    const number = made.indexOf(batch)
    const lines = linesOf(batch)
    const shown = {
      ...batch,
      object: 'batch',
      endpoint: lines[0].url,
      completion_window: '24h',
      input_file_id: batch.file,
    }
    const problem = options.invalid?.(number)
    if (problem)
      return {
        ...shown,
        status: 'failed',
        errors: { object: 'list', data: [{ code: 'invalid', line: 1, message: problem }] },
      }
    if (api.held) return { ...shown, status: 'in_progress', request_counts: { total: lines.length, completed: 0, failed: 0 } }
    const most = options.expireAfter?.(number)
    const output: string[] = []
    const errors: string[] = []
    for (const [i, line] of lines.entries()) {
      const fate = most !== undefined && i >= most ? 'expired' : (options.fate?.(line, number) ?? 'ok')
      const { custom_id } = line
      if (fate === 'ok')
        output.push(JSON.stringify({ custom_id, response: { status_code: 200, body: answer(line) }, error: null }))
      else if (fate === 'expired')
        errors.push(
          JSON.stringify({
            custom_id,
            response: null,
            error: {
              code: 'batch_expired',
              message: 'This request could not be executed before the completion window expired.',
            },
          }),
        )
      else if (fate === 'error') {
        const error = { message: `refused for key ${options.apiKey ?? 'none'}`, type: 'invalid_request_error' }
        errors.push(JSON.stringify({ custom_id, response: { status_code: 400, body: { error } }, error: null }))
      } else if (typeof fate === 'object') output.push(JSON.stringify({ custom_id, ...fate }))
    }
    files.set(`${batch.id}-out`, output.reverse().join('\n'))
    files.set(`${batch.id}-err`, errors.map(line => `${line}\r\n`).join(''))
    return {
      ...shown,
      status: most === undefined ? 'completed' : 'expired',
      ...(output.length > 0 ? { output_file_id: `${batch.id}-out` } : {}),
      ...(errors.length > 0 ? { error_file_id: `${batch.id}-err` } : {}),
      request_counts: { total: lines.length, completed: output.length, failed: errors.length },
    }
  }

  const server = createServer(async (incoming, response) => {
    const raw = await requestBody(incoming)
    if (raw === undefined) return
    const { method = '', url = '' } = incoming
    const path = url.split('?')[0]
    const call = `${method} ${path}`
    calls.push(call)
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    const refuse = (status: number, message: string): void => send(status, { error: { message, code: null } })
    const sent = incoming.headers.authorization?.replace(/^Bearer /, '')
    if (options.apiKey !== undefined && sent !== options.apiKey) return refuse(401, `Incorrect API key provided: ${sent}.`)
    const scripted = options.intercept?.(method, path, calls.filter(other => other === call).length)
    if (typeof scripted === 'number') return refuse(scripted, 'scripted')
    if (call === 'POST /v1/files') {
      const id = `file-${files.size}`
      const start = raw.search(/\{"custom_id"/)
      files.set(id, raw.slice(start, raw.indexOf('\r\n--', start)))
      return send(200, { id, object: 'file', purpose: 'batch' })
    }
    if (call === 'POST /v1/batches') {
      const { input_file_id, metadata } = JSON.parse(raw)
      const created_at = Math.floor(Date.now() / 1000)
      made.push({ id: `batch_${made.length}`, file: input_file_id, metadata, created_at })
      // The batch is there, its id is not known.
      if (scripted === 'drop-after') return void incoming.socket.destroy()
      return send(200, { ...made.at(-1), object: 'batch', status: 'validating' })
    }
    if (call === 'GET /v1/batches') {
      return send(200, { object: 'list', data: made.toReversed().map(batch => state(batch)), has_more: false })
    }
    const batch = made.find(({ id }) => path === `/v1/batches/${id}`)
    if (batch) return send(200, state(batch))
    const file = /^\/v1\/files\/(.+)\/content$/.exec(path)?.[1]
    if (file && files.has(file)) return send(200, files.get(file)!)
    refuse(404, `Invalid URL (${call})`)
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const api: FakeBatchApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    get batches() {
      return made.map(linesOf)
    },
    held: false,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  return api
}
