import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { DEFAULT_TEMPLATE, readTemplate, renderPrompt } from '../../src/generate/prompt.js'
import { assignStyles, checkStyles, STYLE_NAMES } from '../../src/generate/styles.js'
import { rejection } from '../helpers/rejection.js'

const folder = mkdtempSync(join(tmpdir(), 'prompt-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('placeholders are filled in once, and nothing in the chunk is taken for one', () => {
  const prompt = renderPrompt('{n} of {context} | {context}', 'a {n} {styles} $& $1 {context}', ['question', 'keyword'])
  expect(prompt).toBe('2 of a {n} {styles} $& $1 {context} | a {n} {styles} $& $1 {context}')
})

test('the template of the package asks for the styles, in the order of the questions', () => {
  const prompt = renderPrompt(DEFAULT_TEMPLATE, 'Der Hebel.', ['keyword', 'question'])
  expect(prompt).toMatch(/Write 2 queries/)
  expect(prompt).toMatch(/The first query is a keyword query[\s\S]*The second query is a complete question/)
  expect(prompt).toMatch(/language of the passage/)
  expect(prompt).toContain('<passage>\nDer Hebel.\n</passage>')
  expect(prompt).not.toMatch(/\{(n|styles|context)\}/)
  expect(renderPrompt(DEFAULT_TEMPLATE, '', ['question', 'question'])).toMatch(/Each query is a complete question/)
})

describe('a template from a file', () => {
  test('is taken as it stands, without a byte order mark', async () => {
    writeFileSync(join(folder, 'ok.txt'), '\uFEFF{n} for {context}\n')
    expect(await readTemplate(join(folder, 'ok.txt'))).toBe('{n} for {context}\n')
  })

  test.each([
    ['Ask about {context}', /has no \{n\};/],
    ['Write {n} questions', /has no \{context\};/],
    ['Write questions about {context_str}', /has no \{context\} and no \{n\}; expected \{context\} for the chunk/],
  ])('%j is refused with what is missing', async (text, message) => {
    const path = join(folder, 'bad.txt')
    writeFileSync(path, text)
    expect(await rejection(readTemplate(path))).toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(message),
    })
  })

  test('that is not there is named', async () => {
    expect(await rejection(readTemplate(join(folder, 'none.txt')))).toMatchObject({ code: 'FILE_NOT_FOUND' })
    expect(await rejection(readTemplate(folder))).toMatchObject({ code: 'FILE_READ' })
  })
})

describe('styles', () => {
  test('take turns from a start that seed and chunk decide', () => {
    const styles = ['question', 'keyword', 'misspelled'] as const
    const starts = new Set<string>()
    for (let chunk = 0; chunk < 40; chunk++) {
      const assigned = assignStyles(styles, 4, 7, `c${chunk}`)
      expect(assigned[3]).toBe(assigned[0])
      expect(new Set(assigned).size).toBe(3)
      expect(assignStyles(styles, 4, 7, `c${chunk}`)).toEqual(assigned)
      starts.add(assigned[0])
    }
    expect(starts.size).toBe(3)
    const other = Array.from({ length: 40 }, (_, i) => assignStyles(styles, 1, 8, `c${i}`)[0])
    expect(other).not.toEqual(Array.from({ length: 40 }, (_, i) => assignStyles(styles, 1, 7, `c${i}`)[0]))
  })

  test('that are not known are refused with the nearest', () => {
    expect(checkStyles(STYLE_NAMES)).toEqual(['question', 'keyword', 'misspelled', 'follow-up'])
    expect(() => checkStyles(['keywords'])).toThrow(/some of question, keyword.*found "keywords" \(did you mean keyword\?\)/)
    expect(() => checkStyles([])).toThrow(/found none/)
    expect(() => checkStyles(['constructor'])).toThrow(/found "constructor"/)
  })
})
