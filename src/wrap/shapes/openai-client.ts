import { outputDimensions } from '../../adapters/adapter.js'
import { usageError } from '../../errors.js'
import { readFloats } from '../../math/bytes.js'
import { littleEndianBytes } from '../../vectors/floats.js'
import type { AdapterInput, AdapterSource, AdaptOptions, Sides } from '../adapter-source.js'
import { isModelName, openAdapter } from '../adapter-source.js'
import { hasMethods, overrideMembers } from '../override-members.js'

/** Official OpenAI client. */
export interface OpenAILike {
  readonly embeddings: {
    /** `POST /embeddings` */
    create(body: never, options?: never): unknown
  }
}

type Create<T extends OpenAILike> = T['embeddings']['create']

/** Client whose `embeddings.create` also takes a role. */
export type AdaptedOpenAI<T extends OpenAILike> = T & {
  readonly embeddings: {
    /** Embeds as the client does, and adapts vectors for `role: 'query'` or a model name that ends in `:query`. */
    create(
      body: Parameters<Create<T>>[0] & { readonly role?: 'query' | 'document' },
      options?: Parameters<Create<T>>[1],
    ): ReturnType<Create<T>>
  }
}

interface Body {
  readonly model: string
  readonly input?: unknown
  readonly role?: string
  readonly dimensions?: number
  readonly encoding_format?: string
}

type Response = { readonly data: readonly { readonly embedding: number[] | string }[] }

/** Promise of the client, which also gives the raw response. */
type ResponsePromise = { _thenUnwrap(map: (response: Response) => Response): unknown }

export const isOpenAI = (x: unknown): x is OpenAILike =>
  hasMethods((x as Partial<OpenAILike> | null | undefined)?.embeddings, 'create')

/**
 * Wraps an OpenAI client: `embeddings.create` returns adapted vectors, as numbers or base64, if `role: 'query'` or a model name
 * that ends in `:query` asks for them (neither is sent). Everything else of the client stays as it is.
 * @param client an instance of the package `openai`
 * @throws as `wrapEmbedder`
 */
export function wrapOpenAI<T extends OpenAILike>(client: T, input: AdapterInput, options: AdaptOptions = {}) {
  return wrapWith(client, openAdapter(input, options))
}

function wrapWith<T extends OpenAILike>(client: T, source: AdapterSource): AdaptedOpenAI<T> {
  const embed = client.embeddings.create.bind(client.embeddings) as (body: object, options?: unknown) => ResponsePromise
  // Without a format the client asks for base64 and decodes what comes, even where a server ignores it and sends numbers.
  const send = (body: Omit<Body, 'role'>, options: unknown, map?: MapVector): unknown => {
    const { encoding_format: format } = body
    const response = embed(format === undefined ? { ...body, encoding_format: 'base64' } : body, options)
    return format !== 'base64' || map ? mapVectors(response, format !== 'base64', map) : response
  }
  const create = (given: Body, requestOptions?: unknown): unknown => {
    const sides = source.now()
    const { body, isQuery } = readBody(given)
    const { base } = sides.adapter
    if (!isQuery) {
      if (!sides.truncates || !isModelName(sides.adapter, body.model)) return send(body, requestOptions)
      // Vectors of other lengths are of other models, or have been shortened by the service.
      return send(body, requestOptions, d => (d.length === base.dimensions ? sides.fitDocument(Float32Array.from(d)) : d))
    }
    source.check({ name: body.model })
    const texts = [body.input].flat()
    return send(wholeVectors(body, sides), requestOptions, (q, i) => {
      const text = texts[i]
      // Tokens, which the service takes too, are not text.
      return sides.adaptQuery(q, typeof text === 'string' ? text : undefined)
    })
  }
  const { withOptions } = client as { readonly withOptions?: (...args: unknown[]) => T }
  return overrideMembers(client, {
    embeddings: overrideMembers(client.embeddings, { create }),
    // A copy of the client with other settings would send the role.
    ...(withOptions && { withOptions: (...args: unknown[]) => wrapWith(Reflect.apply(withOptions, client, args), source) }),
  }) as unknown as AdaptedOpenAI<T>
}

function readBody({ role, ...body }: Body): { readonly body: Omit<Body, 'role'>; readonly isQuery: boolean } {
  if (role !== undefined && role !== 'query' && role !== 'document')
    throw usageError(`expected "role" to be "query" or "document", found ${JSON.stringify(role)}`)
  const model = String(body.model)
  if (!model.endsWith(':query')) return { body, isQuery: role === 'query' }
  if (role === 'document') throw usageError(`the model "${model}" is for queries, but the role is "document"`)
  return { body: { ...body, model: model.slice(0, -':query'.length) }, isQuery: true }
}

/** A request for as many dimensions as the adapter gives needs all those it takes. */
function wholeVectors<B extends Omit<Body, 'role'>>(body: B, { adapter, truncates }: Sides): B {
  if (!truncates || body.dimensions === undefined) return body
  const { dimensions } = adapter.base
  return body.dimensions === outputDimensions(adapter) ? { ...body, dimensions } : body
}

type MapVector = (v: ArrayLike<number>, index: number) => ArrayLike<number>

/** @param asNumbers true to return numbers where base64 has arrived */
function mapVectors(response: ResponsePromise, asNumbers: boolean, map: MapVector = v => v): unknown {
  const mapped = (embedding: number[] | string, i: number) => {
    if (typeof embedding !== 'string') return Array.from(map(embedding, i))
    const vector = map(readFloats(Buffer.from(embedding, 'base64'), 4), i)
    return asNumbers ? Array.from(vector) : littleEndianBytes(Float32Array.from(vector)).toString('base64')
  }
  return response._thenUnwrap(answer => ({
    ...answer,
    data: answer.data.map((item, i) => ({ ...item, embedding: mapped(item.embedding, i) })),
  }))
}
