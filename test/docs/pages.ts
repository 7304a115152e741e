import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

const below = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name}`)

/** Pages whose snippets are run or checked. CONTRIBUTING.md is not among them: the test of its worked example performs it. */
export const PAGES: readonly string[] = [
  'README.md',
  ...below('docs').filter(path => /^docs\/[^/]+\.md$/.test(path)),
  ...below('examples').filter(path => path.endsWith('/README.md')),
  'bench/README.md',
].filter(path => existsSync(join(ROOT, path)))

/** A fenced block of a page. */
export interface Block {
  /** From 0, in the order of the page. */
  readonly index: number
  /** `docs/x.md:12`, the line of the fence. */
  readonly place: string
  /** First word behind the fence; empty where there is none. */
  readonly language: string
  readonly code: string
  /** Of the comment `<!-- not run: REASON -->` on the line before. */
  readonly notRun?: string
}

export const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

/** @throws Error when a fence is not closed */
export function blocksOf(page: string, text = textOf(page)): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const [, indent, fence, language] = /^( *)(```+)(\S*)/.exec(lines[i]) ?? []
    if (fence === undefined) continue
    const place = `${page}:${i + 1}`
    const [, notRun] = /^ *<!-- not run: (.+) -->$/.exec(lines[i - 1] ?? '') ?? []
    const end = lines.findIndex((line, j) => j > i && line.trim() === fence)
    if (end < 0) throw new Error(`${place}: the block has no end`)
    const code = lines.slice(i + 1, end).map(line => line.slice(Math.min(indent.length, line.search(/\S|$/))))
    blocks.push({ index: blocks.length, place, language, code: `${code.join('\n')}\n`, ...(notRun && { notRun }) })
    i = end
  }
  return blocks
}

/** The page without its fenced blocks. */
export const proseOf = (page: string): string => textOf(page).replace(/^( *)```[\s\S]*?^ *```$/gm, '')
