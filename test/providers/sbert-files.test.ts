import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { makeTinyModel, type TinyModelOptions } from '../../scripts/make-tiny-model.js'
import type { ProviderOptions } from '../../src/providers/provider.js'
import { sbert } from '../../src/providers/sbert.js'
import { rejection } from '../helpers/rejection.js'

const root = mkdtempSync(join(tmpdir(), 'sbert-files-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.doUnmock('@huggingface/transformers')
})

let models = 0
const tiny = (options: TinyModelOptions = {}, name = 'tiny-bert') => makeTinyModel(join(root, String(models++), name), options)
const keys = async (options: ProviderOptions) => {
  const provider = await sbert.create(options)
  return { id: provider.id, query: provider.cacheKey('query'), document: provider.cacheKey('document') }
}

describe('the path of a local model', () => {
  const model = tiny()

  it.each([
    ['absolute', model],
    ['with a slash at its end', `${model}/`],
    ['relative', relative(process.cwd(), model)],
    ['relative with a dot', `./${relative(process.cwd(), model)}`],
    ['with dots inside', join(model, 'onnx') + '/..'],
  ])('may be %s', async (_name, path) => {
    const provider = await sbert.create({ model: path })
    expect(provider.id).toBe('sbert/tiny-bert')
    expect(await provider.embed(['cat'], 'query')).toHaveLength(1)
    await provider.close?.()
  })

  it('may begin with ~', async () => {
    vi.stubEnv('HOME', join(model, '..'))
    expect((await sbert.create({ model: '~/tiny-bert' })).id).toBe('sbert/tiny-bert')
  })

  it('may hold spaces and signs', async () => {
    const provider = await sbert.create({ model: tiny({}, 'my model #1 100%') })
    expect(provider.id).toBe('sbert/my model #1 100%')
    expect(await provider.embed(['cat'], 'query')).toHaveLength(1)
    await provider.close?.()
  })

  it('may look like a hub id when it exists', async () => {
    makeTinyModel(join(root, 'owner', 'name'))
    const before = process.cwd()
    process.chdir(root)
    try {
      expect((await sbert.create({ model: 'owner/name' })).id).toBe('sbert/name')
    } finally {
      process.chdir(before)
    }
  })

  it('may have model.onnx beside config.json', async () => {
    const folder = tiny()
    const { query } = await keys({ model: folder })
    renameSync(join(folder, 'onnx/model.onnx'), join(folder, 'model.onnx'))
    const provider = await sbert.create({ model: folder })
    expect(await provider.embed(['cat'], 'query')).toHaveLength(1)
    expect(provider.cacheKey('query')).toBe(query)
    await provider.close?.()
  })
})

describe('the id and the cache key of a local model', () => {
  it('has in its id only settings that are not the model’s own', async () => {
    const model = tiny({ files: { '1_Pooling/config.json': { pooling_mode_cls_token: true } } })
    const id = async (options: ProviderOptions) => (await keys({ model, ...options })).id
    expect(await id({})).toBe('sbert/tiny-bert')
    expect(await id({ pooling: 'cls', normalize: true, dtype: 'fp32', queryPrefix: '', maxInputTokens: 500 })).toBe(
      'sbert/tiny-bert',
    )
    expect(await id({ pooling: 'mean' })).toBe('sbert/tiny-bert?pooling=mean')
    expect(await id({ dimensions: 4, normalize: false })).toBe('sbert/tiny-bert@4?normalize=false')
    expect(await id({ queryPrefix: 'query: ' })).toBe('sbert/tiny-bert?queryPrefix=query%3A+')
    expect(await id({ maxInputTokens: 16 })).toBe('sbert/tiny-bert?maxInputTokens=16')
    expect(await id({ baseId: 'mine' })).toBe('mine')
  })

  it('has one cache key for both roles unless their prompts differ', async () => {
    const model = tiny()
    const plain = await keys({ model })
    expect(plain.query).toBe(plain.document)
    const prompted = await keys({ model, queryPrefix: 'query: ' })
    expect(prompted.query).not.toBe(plain.query)
    expect(prompted.document).toBe(plain.document)
  })

  it('changes its cache key with every setting that changes a vector', async () => {
    const model = tiny()
    makeTinyModel(model, { suffix: '_fp16' })
    const settings: ProviderOptions[] = [
      {},
      { pooling: 'cls' },
      { normalize: false },
      { dimensions: 4 },
      { maxInputTokens: 8 },
      { dtype: 'fp16' },
      { queryPrefix: 'a ' },
    ]
    const found = await Promise.all(settings.map(async options => (await keys({ model, ...options })).query))
    expect(new Set(found).size).toBe(settings.length)
  })

  it.each(['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx', 'onnx/model.onnx_data'])(
    'changes its cache key, and not its id, when %s changes',
    async file => {
      const model = tiny()
      const before = await keys({ model })
      writeFileSync(join(model, file), '{"changed":true}')
      const after = await keys({ model })
      expect(after.query).not.toBe(before.query)
      expect(after.id).toBe(before.id)
    },
  )

  it('does not change its cache key with files that play no part', async () => {
    const model = tiny()
    const before = await keys({ model })
    writeFileSync(join(model, 'README.md'), 'hello')
    makeTinyModel(model, { suffix: '_fp16' })
    expect(await keys({ model })).toEqual(before)
  })

  it('has no path in its cache key, so that a model may be moved', async () => {
    const model = tiny()
    const before = await keys({ model })
    const moved = join(root, 'elsewhere', 'tiny-bert')
    mkdirSync(join(root, 'elsewhere'))
    renameSync(model, moved)
    expect(await keys({ model: moved })).toEqual(before)
  })
})

describe('a local model that cannot be used', () => {
  const refusal = async (options: ProviderOptions) => {
    const error = await rejection(sbert.create(options))
    expect(error.code).toBe('PROVIDER_MODEL')
    return error.message
  }

  it('is refused when its folder does not exist', async () => {
    expect(await refusal({ model: './no-such-model' })).toContain(join(process.cwd(), 'no-such-model'))
  })

  it('is refused when it is a file', async () => {
    const model = tiny()
    expect(await refusal({ model: join(model, 'onnx/model.onnx') })).toMatch(/expected a folder with .*, found a file/)
  })

  it.each(['config.json', 'tokenizer.json', 'tokenizer_config.json', 'onnx/model.onnx'])(
    'is refused without %s, with what was looked for and what was found',
    async file => {
      const model = tiny()
      rmSync(join(model, file))
      const message = await refusal({ model })
      expect(message).toContain(`expected ${file}, found`)
      const found = message.slice(message.indexOf('found'), message.indexOf('. A model needs'))
      for (const other of ['config.json', 'tokenizer.json'].filter(name => name !== file)) expect(found).toContain(other)
      expect(found.split(/[ ,]+/)).not.toContain(file)
    },
  )

  it('is refused when its folder is empty', async () => {
    const folder = join(root, 'empty')
    mkdirSync(folder)
    expect(await refusal({ model: folder })).toContain('found no files')
  })

  it('is refused with the precisions that it has when the wanted one is missing', async () => {
    const model = tiny({ suffix: '_fp16' })
    makeTinyModel(model, { suffix: '_quantized' })
    rmSync(join(model, 'onnx/model.onnx'), { force: true })
    expect(await refusal({ model })).toMatch(/no fp32 weights.*fp16, q8/)
    expect(await refusal({ model, dtype: 'q4' })).toMatch(/no q4 weights.*fp16, q8/)
    expect((await sbert.create({ model, dtype: 'q8' })).id).toBe('sbert/tiny-bert?dtype=q8')
  })

  it.each(['config.json', 'modules.json', '1_Pooling/config.json'])('is refused when %s is not JSON', async file => {
    const model = tiny({ files: { '1_Pooling/config.json': {} } })
    writeFileSync(join(model, file), '{ not json')
    expect(await refusal({ model })).toContain(file)
  })

  it('is refused when its pooling is not known', async () => {
    const unknown = tiny({ files: { '1_Pooling/config.json': { pooling_mode: 'median' } } })
    expect(await refusal({ model: unknown })).toContain('"median"')
    const noPrompt = tiny({ files: { '1_Pooling/config.json': { include_prompt: false } } })
    expect(await refusal({ model: noPrompt })).toContain('prompt')
  })

  it('is refused when the ONNX file is damaged', async () => {
    const model = tiny()
    writeFileSync(join(model, 'onnx/model.onnx'), 'not a model')
    const provider = await sbert.create({ model })
    const error = await rejection(provider.embed(['cat'], 'query'))
    expect(error.code).toBe('PROVIDER_MODEL')
    expect(error.message).toContain('onnx/model.onnx')
    expect(error.cause).toBeDefined()
  })

  it.each([
    [{ dtype: 'fp8' }, /"dtype".*fp32, fp16, q8.*"fp8"/],
    [{ dtype: 'toString' }, /"dtype"/],
    [{ dimensions: 0 }, /"dimensions"/],
    [{ maxInputTokens: -1 }, /"maxInputTokens"/],
    [{ maxInputs: 0.5 }, /"maxInputs"/],
  ])('is refused with the option %j', async (options, message) => {
    const error = await rejection(sbert.create({ model: tiny(), ...options }))
    expect(error.code).toBe('USAGE')
    expect(error.message).toMatch(message)
  })

  it('says what to install when the runtime cannot be loaded', async () => {
    vi.resetModules()
    vi.doMock('@huggingface/transformers', () => {
      throw new Error("Cannot find module 'onnxruntime_binding.node'")
    })
    const fresh = (await import('../../src/providers/sbert.js')).sbert
    const provider = await fresh.create({ model: tiny() })
    const error = await provider.embed(['cat'], 'query').catch(reason => reason)
    expect(error.code).toBe('PROVIDER_PACKAGE')
    expect(error.message).toMatch(/npm install @huggingface\/transformers/)
  })
})

describe('make-tiny-model', () => {
  it('writes the same bytes every time', async () => {
    expect((await keys({ model: tiny() })).query).toBe((await keys({ model: tiny() })).query)
    // Known bytes: the weights come from integers alone, so every machine writes them.
    expect(JSON.parse((await keys({ model: tiny() })).query).files.slice(0, 16)).toMatchInlineSnapshot(`"f5eeb1bea30c59f8"`)
  })
})
