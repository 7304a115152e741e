import type { OpenAI } from 'openai'
import type { Batch } from 'openai/resources/batches'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import { optionWord } from '../words.js'
import type { RequestLimits } from './http.js'
import { nameOf, redact } from './http-error.js'
import type { BatchClient, BatchState } from './provider.js'
import { loadOpenAI, type RemoteService } from './service.js'

/** A file has up to 200 MB, and answers can be larger. */
const FILE_TIMEOUT_MS = 30 * 60_000
/** Clocks differ, and a batch is created after it is recorded. */
const CLOCK_SKEW_MS = 60 * 60_000
const LONGEST_REASON = 300

/**
 * Makes a client of OpenAI's Batch API, or of a server with the same protocol.
 * @see https://platform.openai.com/docs/guides/batch
 */
export function openaiBatchClient(
  remote: RemoteService,
  endpoint: '/v1/embeddings' | '/v1/chat/completions',
  timeoutMs?: number,
): BatchClient {
  const service: RemoteService = { ...remote, task: 'batches' }
  const baseUrl = service.url

  type Send<T> = (api: OpenAI, request: { readonly signal: AbortSignal }) => Promise<T>
  const call = async <T>(what: string, limits: RequestLimits, send: Send<T>): Promise<T> => {
    const callOpenAI = await loadOpenAI(service)
    try {
      return await callOpenAI({ timeoutMs, ...limits }, send)
    } catch (error) {
      const status = isAdapterTrainError(error, 'PROVIDER_REQUEST') ? error.details.status : undefined
      const absent = status === 404 || status === 405 || status === 501
      throw absent && what.startsWith('POST') ? noBatchApi(service, what, `HTTP ${status}`) : error
    }
  }
  const state = (batch: Batch | undefined, what: string): BatchState => {
    if (typeof batch?.id !== 'string' || typeof batch.status !== 'string')
      throw noBatchApi(service, what, 'something other than a batch')
    const { id, status, request_counts: counts, output_file_id: output, error_file_id: failures } = batch
    return {
      id,
      status,
      completed: counts?.completed ?? 0,
      failed: counts?.failed ?? 0,
      total: counts?.total ?? 0,
      ...(output ? { outputFile: output } : {}),
      ...(failures ? { errorFile: failures } : {}),
      errors: (batch.errors?.data ?? []).map(({ code, line, message }) =>
        clean(`${line ? `line ${line}: ` : ''}${message ?? code ?? 'no reason given'}`),
      ),
    }
  }
  const clean = (text: string): string => redact(text.replace(/\s+/g, ' ').slice(0, LONGEST_REASON), service.key).trim()

  return {
    name: nameOf(service),
    model: service.model,
    baseUrl,
    endpoint,
    redact: clean,
    async upload(lines, signal) {
      const what = 'POST /files'
      const parts = lines as Uint8Array<ArrayBuffer>[]
      const sent = await call(what, { signal, timeoutMs: FILE_TIMEOUT_MS }, (api, request) => {
        const file = new File(parts, 'requests.jsonl', { type: 'application/jsonl' })
        return api.files.create({ file, purpose: 'batch' }, request)
      })
      if (typeof sent?.id !== 'string') throw noBatchApi(service, what, 'something other than a file')
      return sent.id
    },
    async create(file, token) {
      const what = 'POST /batches'
      const facts = { completion_window: '24h', metadata: { adapter_train: token } } as const
      const body = { input_file_id: file, endpoint, ...facts }
      // Cannot be stopped: whoever waits for it learns the id of a batch that is paid for.
      return state(await call(what, {}, (api, request) => api.batches.create(body, request)), what)
    },
    async find(token, since, signal) {
      const what = 'GET /batches'
      const found = await call(what, { signal }, async (api, request): Promise<Batch | undefined> => {
        for await (const batch of api.batches.list({ limit: 100 }, request)) {
          if (batch.metadata?.adapter_train === token) return batch
          if (batch.created_at * 1000 < since - CLOCK_SKEW_MS) return undefined
        }
        return undefined
      })
      return found && state(found, what)
    },
    async retrieve(id, signal) {
      const what = 'GET /batches/ID'
      return state(await call(what, { signal }, (api, request) => api.batches.retrieve(id, request)), what)
    },
    readLines(file, onLine, signal) {
      const limits = { signal, timeoutMs: FILE_TIMEOUT_MS, maxBytes: Number.POSITIVE_INFINITY }
      return call('GET /files/ID/content', limits, async (api, request) => {
        const { body } = await api.files.content(file, request)
        if (body) await readLines(body, onLine)
      })
    },
  }
}

function noBatchApi(service: RemoteService, what: string, found: string): AdapterTrainError {
  const { provider, model, url } = service
  const problem = `the server ${url} has no Batch API; ${what} was answered with ${found}`
  const fix = `Check the base URL, which for many servers ends in /v1, or omit ${optionWord('batchApi')}`
  const details = { provider, model, baseUrl: url, retryable: false }
  return new AdapterTrainError('PROVIDER_REQUEST', `${nameOf(service)}: ${problem}. ${fix}`, { details })
}

/** Calls `onLine` for every non-blank line of a UTF-8 stream; the last may lack its end. */
export async function readLines(body: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  // Pieces of one line are joined once: an answer with many vectors arrives in hundreds of them.
  let pieces: string[] = []
  const end = (): void => {
    const line = pieces.join('').trim()
    pieces = []
    if (line !== '') onLine(line)
  }
  for await (const chunk of body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n')
    for (const [i, part] of parts.entries()) {
      if (i > 0) end()
      pieces.push(part)
    }
  }
  pieces.push(decoder.decode())
  end()
}
