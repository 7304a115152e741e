import { usageError } from '../errors.js'
import { readNamedFile } from '../files.js'
import { STYLES, type StyleName } from './styles.js'

const REQUIRED = ['context', 'n'] as const

export const DEFAULT_TEMPLATE = `You write test queries for a search engine. Below is one passage of its collection.

Write {n} queries that people would send to find this passage, each about something that the passage itself answers.

{styles}

Rules:
- Every query has to be understood by someone who does not see the passage: name the subject, and never speak of "the passage", "the text" or "the document".
- Use your own words; do not copy phrases of the passage, except for names and terms.
- Write in the language of the passage.
- Different queries ask for different things.
- If the passage holds less than {n} things to ask for, write fewer queries. If it holds none (a table of contents, a page header), write none.

Answer with JSON alone, in this form: {"questions": ["...", "..."]}

<passage>
{context}
</passage>
`

export async function readTemplate(path: string): Promise<string> {
  return checkTemplate(readNamedFile(path, 'prompt template'), `prompt template ${path}`)
}

/** Returns the template if it has the placeholders it needs. */
export function checkTemplate(template: string, name = 'the prompt template'): string {
  const missing = REQUIRED.filter(placeholder => !template.includes(`{${placeholder}}`)).map(p => `{${p}}`)
  if (missing.length === 0) return template
  const expected = 'expected {context} for the chunk, {n} for the number of questions, and optionally {styles}'
  throw usageError(`${name} has no ${missing.join(' and no ')}; ${expected}`)
}

/** Fills in the prompt for one chunk; placeholders within the chunk stay. */
export function renderPrompt(template: string, context: string, styles: readonly StyleName[]): string {
  const values = { context, n: String(styles.length), styles: describe(styles) }
  return template.replace(/\{(context|n|styles)\}/g, (_, name: keyof typeof values) => values[name])
}

function describe(styles: readonly StyleName[]): string {
  if (new Set(styles).size === 1) return `Each query is ${STYLES[styles[0]]}.`
  return styles.map((style, i) => `${i + 1}. The ${ordinal(i)} query is ${STYLES[style]}.`).join('\n')
}

const ordinal = (i: number): string => ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'][i] ?? `${i + 1}th`
