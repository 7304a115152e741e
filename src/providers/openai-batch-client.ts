import type { OpenAI } from 'openai'
import type { Batch } from 'openai/resources/batches'
import { AdapterTrainError, isAdapterTrainError } from '../errors.js'
import type { BatchClient, BatchState } from './batch-client.js'
import { nameOf, type Service } from './http-error.js'
import { loadOpenAI } from './openai-service.js'
import { readLines } from './read-lines.js'
import { redact } from './redact.js'
import { sendRequest, type Transport } from './send-request.js'

/** A file has up to 200 MB, and answers can be larger still. */
const FILE_TIMEOUT_MS = 30 * 60_000
/** Clocks differ, and a batch is created after it is put down. */
const CLOCK_SKEW_MS = 60 * 60_000
const LONGEST_REASON = 300

export interface OpenAIBatchOptions {
  /** Address with `/v1`; checked. */
  readonly baseUrl: string
  readonly endpoint: '/v1/embeddings' | '/v1/chat/completions'
  readonly timeoutMs?: number
}

/**
 * OpenAI's Batch API, and that of servers which speak the same protocol.
 *
 * @param service whose key is sent
 * @see https://platform.openai.com/docs/guides/batch
 */
export function openaiBatchClient(own: Service, options: OpenAIBatchOptions): BatchClient {
  const service: Service = { ...own, task: 'batches' }
  const { baseUrl, endpoint, timeoutMs } = options

  const call = async <T>(
    what: string,
    work: (api: OpenAI, transport: Transport) => Promise<T>,
    request: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<T> => {
    const client = await loadOpenAI(service, baseUrl)
    try {
      return await sendRequest(service, { timeoutMs, ...request }, transport => work(client(transport), transport))
    } catch (error) {
      const status = isAdapterTrainError(error, 'PROVIDER_REQUEST') ? error.details.status : undefined
      const absent = status === 404 || status === 405 || status === 501
      throw absent && /^POST/.test(what) ? noBatchApi(service, baseUrl, what, `HTTP ${status}`) : error
    }
  }
  const state = (batch: Batch | undefined, what: string): BatchState => {
    if (typeof batch?.id !== 'string' || typeof batch.status !== 'string') {
      throw noBatchApi(service, baseUrl, what, 'something that is no batch')
    }
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
      const send = (api: OpenAI, transport: Transport) =>
        api.files.create(
          {
            file: new File(lines as Uint8Array<ArrayBuffer>[], 'requests.jsonl', { type: 'application/jsonl' }),
            purpose: 'batch',
          },
          { signal: transport.signal },
        )
      const file = await call(what, send, { signal, timeoutMs: FILE_TIMEOUT_MS })
      if (typeof file?.id !== 'string') throw noBatchApi(service, baseUrl, what, 'something that is no file')
      return file.id
    },
    async create(file, token) {
      const what = 'POST /batches'
      const body = {
        input_file_id: file,
        endpoint,
        completion_window: '24h',
        metadata: { adapter_train: token },
      } as const
      // Not to be stopped: whoever waits for it learns the id of what is paid for.
      return state(await call(what, (api, { signal }) => api.batches.create(body, { signal }), {}), what)
    },
    async find(token, since, signal) {
      const look = async (api: OpenAI, transport: Transport): Promise<Batch | undefined> => {
        for await (const batch of api.batches.list({ limit: 100 }, { signal: transport.signal })) {
          if (batch.metadata?.adapter_train === token) return batch
          if (batch.created_at * 1000 < since - CLOCK_SKEW_MS) return undefined
        }
        return undefined
      }
      const what = 'GET /batches'
      const found = await call(what, look, { signal })
      return found && state(found, what)
    },
    async retrieve(id, signal) {
      const what = 'GET /batches/ID'
      const send = (api: OpenAI, transport: Transport) => api.batches.retrieve(id, { signal: transport.signal })
      return state(await call(what, send, { signal }), what)
    },
    readLines(file, onLine, signal) {
      const read = async (api: OpenAI, transport: Transport): Promise<void> => {
        const { body } = await api.files.content(file, { signal: transport.signal })
        if (body) await readLines(body, onLine)
      }
      return call('GET /files/ID/content', read, { signal, timeoutMs: FILE_TIMEOUT_MS })
    },
  }
}

function noBatchApi(service: Service, baseUrl: string, what: string, found: string): AdapterTrainError {
  return new AdapterTrainError(
    'PROVIDER_REQUEST',
    `${nameOf(service)}: the server ${baseUrl} has no Batch API (it answered ${what} with ${found}); ` +
      'check the base URL, which for many servers ends in /v1, or go without --batch-api (batchApi)',
    { details: { provider: service.provider, model: service.model, baseUrl, retryable: false } },
  )
}
