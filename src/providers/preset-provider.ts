import { usageError } from '../errors.js'
import { optionWord } from '../words.js'
import { checkDimensions, checkOptions, type KnownModel } from './check.js'
import { postJson } from './http.js'
import { PRESETS, type Preset, type PresetName } from './presets.js'
import type { EmbeddingProvider, ProviderFactory, ProviderOptions } from './provider.js'
import { missingVectors, remoteProvider, vectorsIn } from './remote-provider.js'
import { remoteService } from './service.js'

export function presetFactory(name: PresetName): ProviderFactory {
  const preset: Preset = PRESETS[name]
  const { description, model: defaultModel, keyVariables, addressForm } = preset
  return {
    name,
    description,
    defaultModel,
    keyVariables,
    addressForm,
    needsModel: defaultModel === undefined,
    create: options => createPreset(name, preset, options),
  }
}

async function createPreset(name: string, preset: Preset, options: ProviderOptions): Promise<EmbeddingProvider> {
  checkOptions(name, options)
  const { models = {}, texts: field = 'input', tokens = 'usage.total_tokens', vectors } = preset
  const model = options.model ?? preset.model
  if (model === undefined) {
    const expected = `expected a name, such as one of ${preset.page}`
    throw usageError(`${name}: missing model; ${expected}. Give ${optionWord('model')}`)
  }
  const known: KnownModel | undefined = Object.hasOwn(models, model) ? models[model] : undefined
  checkDimensions(name, model, known, options.dimensions)
  if (options.dimensions !== undefined && !preset.dimensions && options.dimensions !== known?.dimensions)
    throw usageError(`${name}: its API has no field for dimensions. Leave the option out`)
  const service = remoteService(name, model, options, preset)
  const url = service.url + (preset.path ?? '/embeddings').replace('{model}', encodeURIComponent(model))
  const roles = known?.roles ?? preset.roles
  return remoteProvider(
    service,
    { ...options, price: options.price ?? known?.price },
    {
      dimensions: known?.dimensions,
      maxInputs: known?.maxInputs ?? preset.maxInputs,
      maxRequestTokens: preset.maxRequestTokens,
      inputTypes: roles && { query: JSON.stringify(roles.query), document: JSON.stringify(roles.document) },
      body(texts, role, length, params) {
        const fields = { ...preset.fields, ...roles?.[role], ...params }
        const dimensions = length === undefined ? {} : { [preset.dimensions!]: length }
        return preset.body?.(model, texts, fields, dimensions) ?? { model, [field]: texts, ...fields, ...dimensions }
      },
      send: (body, limits) => postJson(service, url, body, limits),
      read(answer) {
        const billed = [at(answer, tokens)].flat().filter(count => typeof count === 'number')
        const found = vectors === undefined ? vectorsIn(answer, service) : at(answer, vectors)
        if (!Array.isArray(found)) throw missingVectors(service, answer, vectors ? `"${vectors}"` : 'list of vectors')
        return { vectors: found, tokens: billed.length > 0 ? billed.reduce((a, b) => a + b, 0) : undefined }
      },
    },
  )
}

/**
 * Reads a path through objects and lists: `embeddings.values` of a list is the list of their values. A list within a list has no
 * names; an answer of nothing but brackets is as deep as it is long.
 */
function at(value: unknown, path: string): unknown {
  const [name, ...rest] = path.split('.')
  if (name === '') return value
  if (Array.isArray(value) && !/^\d+$/.test(name)) return value.map(item => (Array.isArray(item) ? undefined : at(item, path)))
  const inner = (value as Record<string, unknown> | null | undefined)?.[name]
  return rest.length === 0 ? inner : at(inner, rest.join('.'))
}
