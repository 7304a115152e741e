import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { customProvider } from '../../src/providers/custom.js'
import { createProvider, loadProvider, providerNames } from '../../src/providers/index.js'
import { rejection } from '../helpers/rejection.js'

describe('provider registry', () => {
  it('lists every provider', () => {
    expect(providerNames).toEqual(expect.arrayContaining(['openai', 'cohere', 'sbert', 'hashing']))
    expect(new Set(providerNames).size).toBe(providerNames.length)
  })

  it.each(providerNames)('knows %s by its own name and says what it is', async name => {
    const factory = await loadProvider(name)
    expect(factory.name).toBe(name)
    expect(factory.description).toMatch(/^\S.{20,}[^.]$/)
    for (const variable of factory.keyVariables) expect(variable).toMatch(/^[A-Z_]+$/)
  })

  it('makes a provider with its options', async () => {
    const provider = await createProvider('hashing', { dimensions: 32 })
    expect(provider.dimensions).toBe(32)
    expect((await createProvider('hashing')).dimensions).toBe(512)
  })

  it('offers a provider of the user’s own', async () => {
    const provider = customProvider({ id: 'a', embed: texts => texts.map(() => [1]) })
    expect(await provider.embed(['x'], 'query')).toEqual([Float32Array.of(1)])
  })

  it.each([
    ['opnai', 'did you mean openai?'],
    ['SBERT', 'did you mean sbert?'],
    ['hash', 'did you mean hashing?'],
    ['ha5h', undefined],
    ['toString', undefined],
    ['__proto__', undefined],
    ['', undefined],
  ])('refuses the unknown provider %j and names those there are', async (name, hint) => {
    const error = await rejection(createProvider(name))
    expect(error.code).toBe('PROVIDER_UNKNOWN')
    expect(error.message).toContain(`expected one of ${providerNames.join(', ')}`)
    if (hint) expect(error.message).toContain(hint)
    else expect(error.message).not.toContain('did you mean')
  })

  it('imports no provider before it is asked for', () => {
    const source = readFileSync('src/providers/index.ts', 'utf8')
    const atOnce = [...source.matchAll(/^(?:import|export) (?!type)[^']*'(.*)'$/gm)].map(match => match[1])
    expect(atOnce).toContain('../errors.js')
    for (const name of providerNames) expect(atOnce).not.toContain(`./${name}.js`)
  })

  it('keeps every provider file free of heavy imports at the top', () => {
    const heavy = /^import (?!type)[^']*'(openai|cohere-ai|@huggingface\/transformers|gpt-tokenizer.*)'/m
    const files = readdirSync('src/providers', { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(5)
    for (const file of files) expect(readFileSync(`src/providers/${file}`, 'utf8'), file).not.toMatch(heavy)
  })
})
