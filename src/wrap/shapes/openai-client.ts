import { outputDimensions } from '../../adapters/adapter.js'
import { AdapterTrainError } from '../../errors.js'
import {
  type AdapterInput,
  type AdapterSource,
  type AdaptOptions,
  isModelName,
  openAdapter,
  type Sides,
} from '../adapter-source.js'
import { overrideMembers } from '../override-members.js'

/** What the official OpenAI client is here. */
export interface OpenAILike {
  readonly embeddings: {
    /** `POST /embeddings` */
    create(body: never, options?: never): unknown
  }
}

type Create<T extends OpenAILike> = T['embeddings']['create']

/** The client, whose `embeddings.create` also takes a role. */
export type AdaptedOpenAI<T extends OpenAILike> = T & {
  readonly embeddings: {
    /**
     * Embeds as the client does, and adapts queries.
     * @param body as before; `role: 'query'`, or a model name that ends in `:query`, asks for adapted vectors
     */
    create(
      body: Parameters<Create<T>>[0] & { readonly role?: 'query' | 'document' },
      options?: Parameters<Create<T>>[1],
    ): ReturnType<Create<T>>
  }
}

interface Body {
  readonly model: string
  readonly role?: string
  readonly dimensions?: number
}

interface Response {
  readonly data: readonly { readonly embedding: number[] | string }[]
}

/** The promise that the client returns, which also gives the raw response. */
interface ResponsePromise {
  _thenUnwrap(map: (response: Response) => Response): unknown
}

export function isOpenAI(x: unknown): x is OpenAILike {
  const candidate = x as { readonly embeddings?: { readonly create?: unknown } } | null | undefined
  return typeof candidate?.embeddings?.create === 'function'
}

/**
 * Adapts `embeddings.create` where it is asked to; neither the role nor `:query` is sent. Everything else of the client stays.
 * @throws as `openAdapter`
 */
export function wrapOpenAI<T extends OpenAILike>(
  client: T,
  input: AdapterInput,
  options: AdaptOptions,
): AdaptedOpenAI<T> {
  return wrapWith(client, openAdapter(input, options))
}

function wrapWith<T extends OpenAILike>(client: T, source: AdapterSource): AdaptedOpenAI<T> {
  const send = client.embeddings.create.bind(client.embeddings) as (body: object, options?: unknown) => ResponsePromise
  const create = (given: Body, requestOptions?: unknown): unknown => {
    const sides = source.now()
    const { body, isQuery } = readBody(given)
    const { base } = sides.adapter
    if (!isQuery) {
      const response = send(body, requestOptions)
      if (!sides.truncates || !isModelName(sides.adapter, body.model)) return response
      // Vectors of other lengths are of other models, or have been shortened by the service.
      return mapVectors(response, d => (d.length === base.dimensions ? sides.fitDocument(Float32Array.from(d)) : d))
    }
    source.check({ name: body.model })
    return mapVectors(send(wholeVectors(body, sides), requestOptions), sides.adaptQuery)
  }
  const { withOptions } = client as { readonly withOptions?: (...args: unknown[]) => T }
  return overrideMembers(client, {
    embeddings: overrideMembers(client.embeddings, { create }),
    // A copy of the client with other settings would send the role.
    ...(withOptions && {
      withOptions: (...args: unknown[]) => wrapWith(Reflect.apply(withOptions, client, args), source),
    }),
  }) as unknown as AdaptedOpenAI<T>
}

function readBody({ role, ...body }: Body): { readonly body: Omit<Body, 'role'>; readonly isQuery: boolean } {
  if (role !== undefined && role !== 'query' && role !== 'document') {
    throw new AdapterTrainError('USAGE', `expected "role" to be "query" or "document", found ${JSON.stringify(role)}`)
  }
  const model = String(body.model)
  if (!model.endsWith(':query')) return { body, isQuery: role === 'query' }
  if (role === 'document') {
    throw new AdapterTrainError('USAGE', `the model "${model}" is for queries, but the role is "document"`)
  }
  return { body: { ...body, model: model.slice(0, -':query'.length) }, isQuery: true }
}

/** Who asks for as many dimensions as the adapter gives needs all those that it takes. */
function wholeVectors<B extends Omit<Body, 'role'>>(body: B, { adapter, truncates }: Sides): B {
  if (!truncates || body.dimensions === undefined) return body
  const { dimensions } = adapter.base
  return body.dimensions === outputDimensions(adapter) ? { ...body, dimensions } : body
}

function mapVectors(response: ResponsePromise, map: (v: ArrayLike<number>) => ArrayLike<number>): unknown {
  return response._thenUnwrap(answer => ({
    ...answer,
    data: answer.data.map(item => ({
      ...item,
      embedding:
        typeof item.embedding === 'string'
          ? toBase64(map(fromBase64(item.embedding)))
          : Array.from(map(item.embedding)),
    })),
  }))
}

/** Little-endian float32 values, as the service writes them. */
function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readFloatLE(4 * i))
}

function toBase64(vector: ArrayLike<number>): string {
  const bytes = Buffer.alloc(4 * vector.length)
  for (let i = 0; i < vector.length; i++) bytes.writeFloatLE(vector[i], 4 * i)
  return bytes.toString('base64')
}
