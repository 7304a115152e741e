import { describe, expect, test } from 'vitest'
import { ADAPTER_KIND_NAMES, adapterKind } from '../../src/adapters/index.js'
import { adapterKindContract } from '../contracts/adapter-kind.js'

ADAPTER_KIND_NAMES.forEach(adapterKindContract)

describe('adapterKind', () => {
  test.each(['no-such-kind', 'toString', '__proto__', ''])('refuses "%s", naming the kinds that there are', name => {
    expect(() => adapterKind(name)).toThrow(
      expect.objectContaining({
        code: 'ADAPTER_FORMAT',
        message: expect.stringContaining(`"${name}"; expected one of linear`),
      }),
    )
  })
})
