import {
  type FakeAnswer,
  type FakeService,
  type FakeServiceOptions,
  type RecordedRequest,
  startFakeService,
} from './fake-service.js'

/** What the model says to a prompt; an object is written as JSON. */
export type Say = (prompt: string, request: RecordedRequest) => string | object | FakeAnswer

export interface FakeChatOptions extends FakeServiceOptions {
  readonly say: Say
  /** Refuses `response_format`, as servers do that do not know it. */
  readonly plainOnly?: boolean
}

/** Plays OpenAI's `POST /v1/chat/completions`. */
export function startFakeChat({ say, plainOnly = false, ...options }: FakeChatOptions): Promise<FakeService> {
  return startFakeService(options, '/v1', request => {
    const { method, path, headers, body } = request
    const sentKey = headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (options.apiKey !== undefined && sentKey !== options.apiKey) {
      const masked = `${sentKey.slice(0, 8)}${'*'.repeat(20)}${sentKey.slice(-4)}`
      return refuse(401, `Incorrect API key provided: ${masked}.`)
    }
    if (method !== 'POST' || path !== '/v1/chat/completions') return refuse(404, `Invalid URL (${method} ${path})`)
    if (plainOnly && body.response_format) return refuse(400, 'Unrecognized request argument: response_format')
    const prompt = promptOf(request)
    const said = say(prompt, request)
    if (typeof said === 'object' && 'status' in said) return said as FakeAnswer
    const content = typeof said === 'string' ? said : JSON.stringify(said)
    return completion(prompt, { role: 'assistant', content, refusal: null }, 'stop')
  })
}

/** The chat completion that holds one message. */
export function completion(prompt: string, message: object, finish_reason: string): FakeAnswer {
  const content = 'content' in message ? String(message.content) : ''
  const usage = { prompt_tokens: prompt.length, completion_tokens: content.length }
  return {
    status: 200,
    body: { id: 'chatcmpl-0', object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage },
  }
}

/** The one message of a request to either service. */
export function promptOf({ body }: RecordedRequest): string {
  return body.messages[0].content
}

/** The number of the chunk in a prompt that holds `chunk-7`. */
export function chunkIn(prompt: string): number {
  return Number(/chunk-(\d+)/.exec(prompt)?.[1])
}

/** Plays Cohere's `POST /v2/chat`. */
export function startFakeCohereChat({ say, ...options }: FakeChatOptions): Promise<FakeService> {
  return startFakeService(options, '', request => {
    const { method, path, headers } = request
    if (options.apiKey !== undefined && headers.authorization !== `Bearer ${options.apiKey}`) {
      return { status: 401, body: { id: '0', message: 'invalid api token' } }
    }
    if (method !== 'POST' || path !== '/v2/chat') return { status: 404, body: { id: '0', message: 'not found' } }
    const said = say(promptOf(request), request)
    if (typeof said === 'object' && 'status' in said) return said as FakeAnswer
    const text = typeof said === 'string' ? said : JSON.stringify(said)
    return {
      status: 200,
      body: {
        id: '0',
        finish_reason: 'COMPLETE',
        message: { role: 'assistant', content: [{ type: 'text', text }] },
        usage: { billed_units: { input_tokens: 11, output_tokens: 7 }, tokens: { input_tokens: 70, output_tokens: 8 } },
      },
    }
  })
}

function refuse(status: number, message: string): FakeAnswer {
  return { status, body: { error: { message, type: 'invalid_request_error', param: null, code: null } } }
}
