import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LocalServer, serveLocally } from '../../src/pages/local-server.js'
import { exportPage, viewRoutes } from '../../src/pages/view.js'
import { chromiumTest } from '../helpers/chromium.js'
import { rejection } from '../helpers/rejection.js'
import { expectSound, HOSTILE, openPage, QUERIES, SMALL, sampleLook } from './helper.js'

const stop = new AbortController()
const folder = mkdtempSync(join(tmpdir(), 'view-'))
let server: LocalServer
let token: string

beforeAll(async () => {
  const look = await sampleLook(stop.signal)
  server = await serveLocally({ host: '127.0.0.1', port: 0, routes: viewRoutes(look, `cars ${HOSTILE}`) })
  token = new URL(server.url).hash.replace('#token=', '')
  await look.words
})
afterAll(async () => {
  stop.abort()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

function post(name: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(`/api/${name}`, server.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

test('data are answered with the token alone, under a name of this machine, and to no other page', async () => {
  const status = async (headers: Record<string, string>) => (await post('state', {}, headers)).status
  expect(await status({})).toBe(200)
  expect(await status({ authorization: 'Bearer wrong' })).toBe(401)
  expect(await status({ authorization: '' })).toBe(401)
  expect(await status({ origin: 'http://evil.example' })).toBe(403)
  expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(403)
  expect(await status({ 'content-type': 'text/plain' })).toBe(415)
  const byName = (host: string) =>
    new Promise(resolve => get(server.url, { headers: { host } }, answer => resolve(answer.resume().statusCode)))
  expect(await byName('evil.example')).toBe(403)
  expect(await byName(new URL(server.url).host)).toBe(200)
  await expect(serveLocally({ host: '0.0.0.0', port: 0, routes: {} })).rejects.toMatchObject({ code: 'USAGE' })
})

test('a port that no machine has is an error with what to do', async () => {
  const error = await rejection(serveLocally({ host: '127.0.0.1', port: 70_000, routes: {} }))
  expect(error).toMatchObject({
    code: 'SERVE_LISTEN',
    message: expect.stringMatching(/port 70000: cannot listen .* Choose another/),
  })
})

test('the page comes with a policy that allows no script or style but its own, and weighs little', async () => {
  let bytes = 0
  for (const path of ['/', '/page.js', '/page.css']) {
    const answer = await fetch(new URL(path, server.url))
    const policy = answer.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    expect(policy).not.toContain('unsafe')
    bytes += (await answer.text()).length
  }
  expect(bytes).toBeLessThan(150_000)
})

test('a search ranks with every system and says how far each document moved from the base', async () => {
  interface Hits {
    readonly hits: { readonly id: string; readonly from?: number }[]
  }
  const answer = (await (await post('search', { query: 'repair brake 0', top: 5 })).json()) as {
    columns: Hits[]
    documents: Record<string, { text: string; marks: [number, number][] }>
  }
  expect(answer.columns.map(column => column.hits.length)).toEqual([5, 5, 5, 5])
  const ranks = new Map<string, number>(answer.columns[0].hits.map(({ id }, i) => [id, i + 1]))
  for (const { id, from } of answer.columns[1].hits) expect(from).toEqual(ranks.get(id) ?? expect.any(Number))
  expect(answer.columns[2].hits[0].id).toMatch(/^d(0|8|16|24|32|40|48|56)$/)
  const { text, marks } = answer.documents[answer.columns[2].hits[0].id]
  expect(marks.map(([start, end]) => text.slice(start, end))).toContain('brake')
  expect((await post('search', { query: ' ' })).status).toBe(400)
})

chromiumTest('a query is searched, compared and unfolded by keyboard, at any width, in light and dark', async () => {
  for (const [width, colorScheme] of [
    [360, 'dark'],
    [1600, 'light'],
  ] as const) {
    const { page, problems } = await openPage(server.url, { colorScheme, viewport: { width, height: 900 } })
    await page.waitForSelector('.queries button', { state: 'attached' })
    await page.keyboard.press('/')
    await page.keyboard.type('repair battery 6')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.hits li')
    expect(await page.locator('section h2').allTextContents()).toEqual(['base', 'x', 'BM25', 'hybrid (relative 0.5)'])
    expect(await page.locator('.move').count()).toBeGreaterThan(30)
    expect(await page.locator('mark').allTextContents()).toContain('battery')
    const button = page.locator('.hits button').first()
    await button.focus()
    await page.keyboard.press('Enter')
    expect(await button.getAttribute('aria-expanded')).toBe('true')
    await page.reload()
    await page.waitForSelector('.hits li')
    expect(await page.inputValue('#box')).toBe('repair battery 6')
    await expectSound(page, { axe: width === 360 })
    expect(problems).toEqual([])
    await page.close()
  }
})

chromiumTest('hostile documents, queries and names show as text', async () => {
  const { page, problems } = await openPage(server.url)
  await page.getByRole('button', { name: 'battery </script>' }).click()
  await page.waitForSelector('.hits li')
  const shown = (await page.textContent('.view'))!
  expect(shown).toContain('<img src=x onerror="globalThis.owned = 1">\\u202egnp.exe\\u202c\\u0007\\u001b[31m')
  for (const steering of '\u202e\u0007\u001b') expect(shown).not.toContain(steering)
  expect(await page.evaluate('document.querySelectorAll("img, #page script").length')).toBe(0)
  await expectSound(page)
  await page.getByRole('button', { name: 'Show all: d-</script>' }).first().click()
  const longest = () => page.evaluate('Math.max(...[...document.querySelectorAll(".text")].map(p => p.textContent.length))')
  await expect.poll(longest, { timeout: 15_000 }).toBeGreaterThan(2_000_000)
  expect(await page.evaluate('globalThis.owned')).toBeUndefined()
  expect(problems).toEqual([])
  await page.close()
})

chromiumTest('an exported page works from its file alone', async () => {
  const look = await sampleLook(stop.signal, QUERIES, SMALL)
  const file = join(folder, 'view.html')
  writeFileSync(file, await exportPage(look, `cars ${HOSTILE}`, 5))
  const { page, problems } = await openPage(pathToFileURL(file).href)
  await page.locator('.queries button').nth(1).click()
  await page.waitForSelector('.hits li')
  expect(await page.locator('.queries button').count()).toBe(5)
  await page.fill('#box', 'something else')
  await page.keyboard.press('Enter')
  await page.getByText('This file holds only the queries of its list.').waitFor()
  await expectSound(page, { axe: false })
  expect(problems).toEqual([])
  await page.close()
})
