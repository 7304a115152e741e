import { describe, expect, test } from 'vitest'
import { quotationsOf, rejectionOf } from '../../src/generate/reject.js'
import { chunkOf } from './chunks.js'

const reasonOf = (text: string, chunk?: string) =>
  rejectionOf(text, text, chunk === undefined ? undefined : quotationsOf(chunkOf(chunk)))

describe('a preamble', () => {
  test.each([
    'Here are 3 questions:',
    'Here are three search queries based on the passage',
    'Sure! Here you go',
    'Certainly, below are the queries.',
    'Hier sind drei Fragen:',
    '以下是三个问题：',
    'The following questions cover the topic.',
    'These queries cover different aspects.',
    'I hope this helps!',
    'Let me know if you need more.',
    '**Questions**',
    'Note: the second query is misspelled',
  ])('%j', text => expect(reasonOf(text)).toBe('preamble'))
})

describe('a refusal', () => {
  test.each([
    "I'm sorry, but I can't help with that.",
    'Sorry, I cannot do this.',
    'I’m sorry, but I can’t assist with that request.',
    'As an AI language model, I do not have opinions.',
    'I cannot generate questions for this content.',
    'Unfortunately, I am unable to create queries from this.',
    'I am not able to fulfill this',
    'The passage does not contain enough information to generate questions.',
    'The provided text has no content.',
  ])('%j', text => expect(reasonOf(text)).toBe('refusal'))
})

describe('a reference to the chunk', () => {
  test.each([
    'What does the passage say about valves?',
    'According to the text, how many valves are there?',
    'How many valves are mentioned in the document?',
    'What is the main topic of this section?',
    'Which valve is described in the passage above?',
    'What, based on the provided context, opens it?',
    'What does the author recommend?',
    'What is due, as per the document?',
    'Which valve, as described in this article, opens first?',
    'What is shown in the provided excerpt?',
    'What is meant by lever in the passage?',
    'Welche Ventile werden im Text genannt?',
    'Laut dem Abschnitt, wie viele Ventile gibt es?',
    'Que dit le manuel selon le texte ?',
    '¿Qué válvula se abre según el texto?',
  ])('%j', text => expect(reasonOf(text)).toBe('self-reference'))
})

test.each([
  ['', 'empty'],
  ['?!…', 'empty'],
  ['valve', 'too-short'],
  ['阀', 'too-short'],
  ['why '.repeat(61), 'too-long'],
])('%j is %s', (text, reason) => {
  expect(reasonOf(text)).toBe(reason)
})

describe('what users ask is kept', () => {
  test.each([
    "I can't log in to my account",
    'I cannot create a new project',
    'sorry page after login',
    'here maps offline download',
    'How do I bold a word in a document?',
    'document scanner jams',
    'How do I share a document with my team?',
    'insert page numbers in the document',
    'text message not delivered',
    'Where is the context menu on a Mac?',
    'what changed in section 230',
    'How do I write an article for the help page?',
    '如何打开阀门？',
    'Wie öffne ich das Ventil?',
    'C++ or Rust',
    'Which valve follows lever 3?',
    'yes bank customer care number',
    'ok google not working',
    'what information does the tax office need',
    'How do I change the colour of the text?',
    'How do I print the current page?',
    'Does the document list update by itself?',
    'my document does not contain any text after export',
    'What information provided by customers is kept?',
    'How do I go to the following section?',
  ])('%j', text => expect(reasonOf(text)).toBeUndefined())
})

describe('quoting the chunk', () => {
  const chunk = 'Turn lever 3 slowly to the left until the red lamp goes out, then close the valve. Open lid first now.'

  test('8 words in a row are a quotation, in other case and punctuation too', () => {
    expect(reasonOf('Why turn lever 3 slowly to THE left, until it stops?', chunk)).toBe('verbatim')
    expect(reasonOf('Why turn lever 3 slowly to the right until it stops?', chunk)).toBeUndefined()
  })

  test('5 to 7 words are, where they are the whole query', () => {
    expect(reasonOf('the red lamp goes out', chunk)).toBe('verbatim')
    expect(reasonOf('when the red lamp goes out', chunk)).toBeUndefined()
    expect(reasonOf('red lamp goes out', chunk)).toBeUndefined()
  })

  test('does not run over from one word into another', () => {
    expect(reasonOf('he red lamp goes out', chunk)).toBeUndefined()
  })

  test('counts words of scripts without spaces', () => {
    expect(reasonOf('请慢慢地向左转动三号杠杆直到红灯熄灭', '操作：请慢慢地向左转动三号杠杆直到红灯熄灭，然后关闭阀门。')).toBe(
      'verbatim',
    )
    expect(reasonOf('怎样转动杠杆？', '操作：请慢慢地向左转动三号杠杆直到红灯熄灭，然后关闭阀门。')).toBeUndefined()
  })
})
