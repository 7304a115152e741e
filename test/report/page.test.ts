import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { renderReport } from '../../src/report/index.js'
import { CHROMIUM, chromiumTest } from '../helpers/chromium.js'
import { sampleComparison } from './sample-comparison.js'
import { sampleReport } from './sample-report.js'

const folder = mkdtempSync(join(tmpdir(), 'report-'))
const HOSTILE = '</script><script>globalThis.owned = 1</script><img src=x onerror="globalThis.owned = 1">'
const PAGES = (['r.html', 'compare.html'] as const).flatMap(name =>
  (['light', 'dark'] as const).map(colorScheme => [name, colorScheme] as const),
)
let browser: Browser

beforeAll(async () => {
  if (CHROMIUM === undefined) return
  writeFileSync(join(folder, 'r.html'), await renderReport('r.html', sampleReport({ text: HOSTILE, documentText: HOSTILE })))
  writeFileSync(
    join(folder, 'compare.html'),
    await renderReport('r.html', sampleComparison({ names: [HOSTILE, 'a'.repeat(120), 'openai+adapters/x.json'], tied: 1 })),
  )
  writeFileSync(join(folder, 'large.html'), await renderReport('r.html', sampleReport({ queries: 100_000 })))
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
})

afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Opened {
  readonly page: Page
  /** Console messages, page errors and requests for anything but the file. */
  readonly problems: string[]
}

async function open(name: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Opened> {
  const page = await browser.newPage(options)
  const url = pathToFileURL(join(folder, name)).href
  const problems: string[] = []
  page.on('console', message => problems.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', error => problems.push(String(error)))
  page.on('request', request => {
    if (request.url() !== url && !request.url().startsWith('data:')) problems.push(`request: ${request.url()}`)
  })
  await page.goto(url)
  return { page, problems }
}

chromiumTest('the page opens without an error, a request or a script of the data, in light and dark', async () => {
  for (const [name, colorScheme] of PAGES) {
    const { page, problems } = await open(name, { colorScheme })
    expect(problems).toEqual([])
    expect(await page.evaluate(() => 'owned' in globalThis)).toBe(false)
    await page.close()
  }
})

chromiumTest('the page is dark where the reader wants it dark', async () => {
  const colors = []
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await open('r.html', { colorScheme })
    colors.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
    await page.close()
  }
  expect(colors).toEqual(['rgb(255, 255, 255)', 'rgb(20, 23, 28)'])
})

chromiumTest('a page 390 pixels wide does not scroll sideways, with everything open', async () => {
  for (const name of ['r.html', 'compare.html']) {
    const { page } = await open(name, { viewport: { width: 390, height: 800 } })
    await page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
    await page.close()
  }
})

chromiumTest('axe-core finds nothing serious in light or dark, with everything open', async () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  for (const [name, colorScheme] of PAGES) {
    const { page } = await open(name, { colorScheme })
    await page.evaluate("for (const d of document.querySelectorAll('details:not(.changes details)')) d.open = true")
    await page.evaluate("document.querySelector('.changes details')?.setAttribute('open', '')")
    await page.evaluate(axe)
    const found = (await page.evaluate(
      `axe.run().then(({ violations, passes }) => ({ passes: passes.length, violations: violations.map(v => v.impact + ' ' + v.id + ' ' + v.nodes[0].html.slice(0, 200)) }))`,
    )) as { passes: number; violations: string[] }
    expect(found.passes).toBeGreaterThan(20)
    expect(found.violations).toEqual([])
    await page.close()
  }
})

chromiumTest('the changes can be filtered by kind and by words', async () => {
  const { page } = await open('r.html')
  expect(await page.textContent('form.filter output')).toBe('100 of 100 shown')
  await page.check('input[value=worse]')
  expect(await page.textContent('form.filter output')).toBe('50 of 100 shown')
  await page.fill('input[type=search]', '(7)')
  expect(await page.textContent('form.filter output')).toBe('1 of 100 shown')
  expect(await page.locator('.changes > li:visible').count()).toBe(1)
  await page.close()
})

chromiumTest('ten changes of each kind are shown, the others are folded', async () => {
  const { page } = await open('r.html')
  expect(await page.locator('.changes > li:visible').count()).toBe(20)
  await page.click('#changes-list .better .more > summary')
  expect(await page.locator('.changes > li:visible').count()).toBe(60)
  await page.check('input[value=worse]')
  expect(await page.locator('.changes > li:visible').count()).toBe(10)
  await page.close()
})

chromiumTest('without scripts all changes are there and the filter is not', async () => {
  const { page } = await open('r.html', { javaScriptEnabled: false })
  for (const more of await page.locator('.more > summary').all()) await more.click()
  expect(await page.locator('.changes > li:visible').count()).toBe(100)
  expect(await page.locator('form.filter').isVisible()).toBe(false)
  await page.close()
})

chromiumTest('a report over 100,000 queries opens in under three seconds', async () => {
  const started = performance.now()
  const { page, problems } = await open('large.html')
  expect(performance.now() - started).toBeLessThan(3000)
  expect(problems).toEqual([])
  await page.close()
})
