import { readFileSync } from 'node:fs'
import { writeFileAtomic } from '../dist/files.js'

/** The text of a page between `<!-- NAME -->` and `<!-- /NAME -->`; undefined if it has no such section. */
export function sectionIn(page, name) {
  const [begin, end] = [`<!-- ${name} -->\n\n`, `\n\n<!-- /${name} -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  return from < 0 || to < from ? undefined : page.slice(from + begin.length, to)
}

/** Replaces the section of that name in a file. */
export function writeSection(path, name, text) {
  const page = readFileSync(path, 'utf8')
  const old = sectionIn(page, name)
  if (old === undefined) throw new Error(`${path}: no section <!-- ${name} --> ... <!-- /${name} --> to write the results to`)
  const at = page.indexOf(`<!-- ${name} -->\n\n`) + `<!-- ${name} -->\n\n`.length
  writeFileAtomic(path, page.slice(0, at) + text + page.slice(at + old.length))
}
