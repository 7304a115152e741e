import { expect, test } from 'vitest'
import { commandLine } from '../../src/cli/output/write-report.js'

test('words are quoted where a shell would take them apart', () => {
  expect(commandLine(['train', '--train', "it's here.json", '--k=3', ''], {})).toBe(
    `adapter-train train --train 'it'\\''s here.json' --k=3 ''`,
  )
})

test('values of options that hold secrets are masked, and others are not', () => {
  const line = commandLine(['serve', '--api-key', 'abc', '--auth-token=def', '--max-input-tokens', '512'], {})
  expect(line).toBe("adapter-train serve --api-key '[redacted]' '--auth-token=[redacted]' --max-input-tokens 512")
})

test('credentials and queries of an address are masked', () => {
  const line = commandLine(['train', '--base-url', 'https://me:hunter2@host/v1?sig=hunter3'], {})
  expect(line).not.toMatch(/hunter/)
  expect(line).toContain('host/v1')
})

test('a key of the environment is masked wherever it stands', () => {
  const env = { OPENAI_API_KEY: 'a-very-secret-value', HOME: '/home/someone' }
  const line = commandLine(['train', '--query-prefix', 'x a-very-secret-value', '--out', '/home/someone/a.json'], env)
  expect(line).toBe("adapter-train train --query-prefix 'x [redacted]' --out /home/someone/a.json")
})
