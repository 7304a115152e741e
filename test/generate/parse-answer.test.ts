import { describe, expect, test } from 'vitest'
import { parseAnswer } from '../../src/generate/read-questions.js'

const TWO = ['How do I open it?', 'valve 7 lever']

describe('JSON', () => {
  test.each([
    ['as asked for', '{"questions": ["How do I open it?", "valve 7 lever"]}'],
    ['an array', '["How do I open it?", "valve 7 lever"]'],
    ['in a fence', 'Here they are:\n```json\n{"questions": ["How do I open it?", "valve 7 lever"]}\n```\nEnjoy!'],
    ['in a fence that never ends', '```\n["How do I open it?", "valve 7 lever"]'],
    ['after a preamble on the same line', 'Sure! {"questions": ["How do I open it?", "valve 7 lever"]} Bye.'],
    ['of objects', '[{"question": "How do I open it?", "style": "q"}, {"query": "valve 7 lever", "why": "short"}]'],
    ['with a key for each', '{"question1": "How do I open it?", "question_2": "valve 7 lever"}'],
    ['with numbers as keys', '{"1": "How do I open it?", "2": "valve 7 lever"}'],
    ['nested', '{"result": {"queries": ["How do I open it?", "valve 7 lever"]}, "model": "x"}'],
    [
      'with answers beside',
      '{"questions": [{"question": "How do I open it?", "answer": "So."}, {"question": "valve 7 lever", "answer": "Thus."}]}',
    ],
    ['with a comma too many', '{"questions": ["How do I open it?", "valve 7 lever",]}'],
    ['cut off in a third', '{"questions": ["How do I open it?", "valve 7 lever", "What about th'],
    ['cut off between objects', '[{"question": "How do I open it?", "style": "x"}, {"question": "valve 7 lever"}, {"sty'],
    ['one object a line', '{"question": "How do I open it?"}\n{"question": "valve 7 lever"}'],
    ["Python's quotes", "['How do I open it?', 'valve 7 lever']"],
    ['after thoughts', '<think>["no", "not this"]\n</think>\n["How do I open it?", "valve 7 lever"]'],
    ['after thoughts that began in the template', '1. not this\n</think>["How do I open it?", "valve 7 lever"]'],
  ])('%s', (_, text) => {
    expect(parseAnswer(text)).toEqual({ candidates: TWO, form: 'json' })
  })

  test('escapes and apostrophes come out as they are meant', () => {
    expect(parseAnswer('["Say \\"hi\\"", "caf\\u00e9",').candidates).toEqual(['Say "hi"', 'café'])
    expect(parseAnswer("['What's the users' limit?', 'b c']").candidates).toEqual(["What's the users' limit?", 'b c'])
  })

  test('that holds nothing gives nothing', () => {
    for (const text of ['{"questions": []}', '[]', '{}', '{"questions": null}', '[1, true]']) {
      expect(parseAnswer(text).candidates).toEqual([])
    }
  })
})

describe('lines', () => {
  test.each([
    ['numbered', '1. How do I open it?\n2. valve 7 lever', ['1. How do I open it?', '2. valve 7 lever']],
    ['with blank lines and Windows ends', 'How do I open it?\r\n\r\nvalve 7 lever\r\n', TWO],
    ['numbered on one line', '1. How do I open it? 2. valve 7 lever', ['1. How do I open it?', '2. valve 7 lever']],
    [
      'with answers between',
      'Q: How do I open it?\nA: So.\n**Answer:** So.\nQ: valve 7 lever',
      ['Q: How do I open it?', 'Q: valve 7 lever'],
    ],
    [
      'that speak of JSON',
      '1. What does {"a": ["b"]} mean?\n2. How is ["x"] read?',
      ['1. What does {"a": ["b"]} mean?', '2. How is ["x"] read?'],
    ],
    ['of one text in quotes', '"How do I open it?"', ['"How do I open it?"']],
    ['with a version in a question', '1. What is new in 2. Liga 2025?', ['1. What is new in 2. Liga 2025?']],
  ])('%s', (_, text, candidates) => {
    expect(parseAnswer(text)).toEqual({ candidates, form: 'lines' })
  })

  test('of a preamble are still among them', () => {
    expect(parseAnswer('Here are 2 questions:\n- a b\n- c d').candidates).toEqual(['Here are 2 questions:', '- a b', '- c d'])
  })

  test('an empty answer has none', () => {
    expect(parseAnswer(' \n')).toEqual({ candidates: [], form: 'lines' })
  })
})
