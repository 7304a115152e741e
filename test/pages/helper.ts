import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, expect } from 'vitest'
import type { AskedQuery } from '../../src/dataset/read-queries.js'
import { createLook, type Look } from '../../src/pages/look.js'
import { createProvider } from '../../src/providers/index.js'
import { CHROMIUM } from '../helpers/chromium.js'
import { sampleAdapter } from '../helpers/sample-adapter.js'

/** Markup, a script, control characters and marks that turn the direction, as a document, a query or a name may hold them. */
export const HOSTILE =
  '</script><script>globalThis.owned = 1</script><img src=x onerror="globalThis.owned = 1">\u202Egnp.exe\u202C\u0007\u001B[31m{{x}}'

const TOPICS = ['brake', 'engine', 'wheel', 'door', 'window', 'light', 'battery', 'seat']

/** Documents of eight subjects, of which the last is hostile and large. */
export const CORPUS: ReadonlyMap<string, string> = new Map([
  ...Array.from({ length: 64 }, (_, i): [string, string] => [
    `d${i}`,
    `How to repair the ${TOPICS[i % 8]} of model ${i}: ${'take it apart and clean it. '.repeat(1 + (i % 30))}`,
  ]),
  [`d-${HOSTILE}`, `battery ${HOSTILE} ${'x '.repeat(1_000_000)}`],
])

/** Those without the large one. */
export const SMALL = new Map([...CORPUS].filter(([, text]) => text.length < 10_000))

export const QUERIES: readonly AskedQuery[] = [
  ...Array.from({ length: 24 }, (_, i) => ({
    id: `q${i}`,
    text: `repair ${TOPICS[i % 8]} ${i}`,
    searches: 1 + (i % 5),
    grades: new Map([[`d${i}`, 2]]),
  })),
  { id: 'hostile', text: `battery ${HOSTILE}`, searches: 9 },
]

/** Searches over these documents, on a toy model with a random adapter. */
export async function sampleLook(signal: AbortSignal, queries = QUERIES, corpus = CORPUS, training: object = {}): Promise<Look> {
  const provider = await createProvider('hashing', { dimensions: 32 })
  const base = { id: provider.id, dimensions: 32, normalized: true }
  const sample = sampleAdapter('linear', 32)
  const adapter = { ...sample, base, training: { ...sample.training, ...training } }
  return createLook({
    provider,
    adapters: [{ name: 'x', adapter }],
    hybrid: { fusion: 'relative', weight: 0.5, window: 50 },
    open: async () => ({ name: 'cars', documents: corpus, queries }),
    signal,
  })
}

let browser: Promise<Browser> | undefined
afterAll(async () => (await browser)?.close())

/** Opens a page and collects what it should not do: errors, messages, requests for anything but the server. */
export async function openPage(url: string, options: Parameters<Browser['newPage']>[0] = {}) {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  const page = await (await browser).newPage(options)
  const problems: string[] = []
  page.on('console', message => problems.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', error => problems.push(String(error)))
  page.on('request', request => {
    const own = new URL(request.url()).origin === new URL(url).origin || request.url().startsWith('data:')
    if (!own) problems.push(`request: ${request.url()}`)
  })
  await page.addInitScript(
    'globalThis.shift = 0; new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) globalThis.shift += e.value }).observe({ type: "layout-shift", buffered: true })',
  )
  await page.goto(url)
  await page.waitForSelector('h1')
  return { page, problems }
}

const axe = (): string => readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Fails if axe-core (which takes seconds) finds a fault, if the page moved by itself, scrolls sideways, or ran a script of the data. */
export async function expectSound(page: Page, { axe: withAxe = true } = {}): Promise<void> {
  if (withAxe) await expectAccessible(page)
  expect(await page.evaluate('globalThis.owned')).toBeUndefined()
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  expect(await page.evaluate('globalThis.shift')).toBeLessThan(0.02)
}

async function expectAccessible(page: Page): Promise<void> {
  // By the debugger, which the page's policy does not bind.
  await page.evaluate(axe())
  const found = (await page.evaluate(
    `axe.run().then(({ violations, passes }) => ({ passes: passes.length, violations: violations.map(v => v.impact + ' ' + v.id + ' ' + v.nodes[0].html.slice(0, 200)) }))`,
  )) as { passes: number; violations: string[] }
  expect(found.passes).toBeGreaterThan(15)
  expect(found.violations).toEqual([])
}
