import { expect, test } from 'vitest'
import { INDEX_NAMES, openIndex, parseIndexUrl } from '../../src/indexes/index.js'
import { parseEffort } from '../../src/indexes/vector-index.js'
import { rejection } from '../helpers/rejection.js'

test('a URL names host, path, parameters and table', () => {
  expect(parseIndexUrl('pgvector:///shop?host=/run/pg&id=key#public.docs')).toEqual({
    scheme: 'pgvector',
    host: '',
    path: '/shop',
    params: { host: '/run/pg', id: 'key' },
    table: 'public.docs',
    id: 'pgvector:///shop#public.docs',
  })
  expect(parseIndexUrl('qdrant+https://db.example:6333/a%20b#my%20docs')).toMatchObject({
    scheme: 'qdrant+https',
    host: 'db.example:6333',
    path: '/a b',
    table: 'my docs',
  })
})

test('a password in the URL is refused, and not repeated', () => {
  for (const url of ['pgvector://anna:hunter22@host/db#t', 'qdrant+http://hunter22@host#t']) {
    expect(() => parseIndexUrl(url)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(() => parseIndexUrl(url)).not.toThrow(/hunter22/)
  }
})

test('what is not the URL of an index is refused with those that are', async () => {
  expect(() => parseIndexUrl('lancdb:///x#t')).toThrow(/did you mean lancedb/)
  expect(() => parseIndexUrl('docs.jsonl')).toThrow(`${INDEX_NAMES.join('://, ')}://`)
  expect(() => parseIndexUrl('lancedb:///x')).toThrow(/expected #TABLE or #COLLECTION/)
  expect(await rejection(openIndex('lancedb:///x?hots=1#t'))).toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('unknown parameter "hots"'),
  })
})

test('an effort is a list of settings with numbers or words', () => {
  expect(parseEffort('nprobes=40, refine_factor=10')).toEqual({ nprobes: 40, refine_factor: 10 })
  expect(parseEffort('ef_search=100,iterative_scan=strict_order')).toEqual({
    ef_search: 100,
    iterative_scan: 'strict_order',
  })
  expect(() => parseEffort('ef_search = 1; DROP TABLE docs')).toThrow(/expected an effort such as/)
})
