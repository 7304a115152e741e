import { expect, test } from 'vitest'
import { readQueryField } from '../../src/dataset/query-field.js'
import { fileWith } from './temporary-folder.js'

test.each(['Lang', 'lang', ' LANG'])('the column %s is found whatever the case of the header', async field => {
  for (const header of ['Query,Document,Lang', 'query,document,lang', '" Query ",DOCUMENT, LANG']) {
    const of = await readQueryField(fileWith(`${header}\nhow to reset,Resetting,en\nwie geht,So,de\n`, 'by.csv'), field)
    expect([of('1', 'how to reset'), of('2', 'wie geht'), of('3', 'another')]).toEqual(['en', 'de', undefined])
  }
})
