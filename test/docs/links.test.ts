import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const DOCS = readdirSync(join(ROOT, 'docs'))
  .filter(name => name.endsWith('.md'))
  .map(name => `docs/${name}`)
const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'bench/README.md', ...DOCS]

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

/** Targets of Markdown links outside of code. */
const linksOf = (page: string): string[] => {
  const prose = textOf(page)
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
}

/** As GitHub makes them of headings. */
const anchorsOf = (page: string): Set<string> =>
  new Set(
    [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  )

describe('links of the documentation', () => {
  test.each(PAGES)('of %s lead somewhere', page => {
    const broken = linksOf(page)
      .filter(target => !/^[a-z]+:/.test(target))
      .filter(target => {
        const [path, anchor] = target.split('#')
        const file = path === '' ? page : join(dirname(page), path)
        return !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(file).has(anchor))
      })
    expect(broken).toEqual([])
  })

  test('lead from the README to every page', () => {
    const linked = new Set(linksOf('README.md').map(target => target.split('#')[0]))
    expect(DOCS.filter(page => !linked.has(page))).toEqual([])
  })
})
