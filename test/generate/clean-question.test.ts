import { expect, test } from 'vitest'
import { cleanQuestion } from '../../src/generate/read-questions.js'

test.each([
  '1. How do I open it?',
  '1) How do I open it?',
  '(1) How do I open it?',
  '12: How do I open it?',
  '- How do I open it?',
  '* How do I open it?',
  '• How do I open it?',
  '### How do I open it?',
  '"How do I open it?"',
  '“How do I open it?”',
  '«How do I open it?»',
  '„How do I open it?“',
  '`How do I open it?`',
  '**How do I open it?**',
  '*How do I open it?*',
  'Question 1: How do I open it?',
  'Question: How do I open it?',
  'Query 3. How do I open it?',
  'Q1: How do I open it?',
  'Q: How do I open it?',
  'Frage 2: How do I open it?',
  '**Question 1:** How do I open it?',
  '1. **Question:** "How do I open it?"',
  '- 1. "How do I open it?"',
  'Follow-up: How do I open it?',
  'Keyword query: How do I open it?',
  '[misspelled] How do I open it?',
  'How do I open it? (question)',
  '  How do I\n open  it?\t',
])('%j is cleaned', text => {
  expect(cleanQuestion(text)).toBe('How do I open it?')
})

test.each([
  'What is a "lever"?',
  '"lever" or "valve"',
  '3.5 mm jack adapter',
  'Q3 results of 2025',
  'question mark key broken',
  'keyword arguments in Python',
  'snake_case and __init__ names',
  '2 * 3 * 4 in C',
  '-v option of grep',
  'C# 12 features',
  "'tis the season opening hours",
])('%j stays as it is', text => {
  expect(cleanQuestion(text)).toBe(text)
})

test('only its own number counts in a JSON array', () => {
  expect(cleanQuestion('2. Liga Tabelle', 1)).toBe('2. Liga Tabelle')
  expect(cleanQuestion('2. How do I open it?', 2)).toBe('How do I open it?')
})
