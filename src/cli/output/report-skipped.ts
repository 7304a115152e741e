import type { DatasetIssue } from '../../dataset/dataset.js'
import type { Console } from './console.js'

/** Most entries that are listed one by one. */
const LISTED = 20

/** Says what `--skip-invalid` left out. */
export function reportSkipped(skipped: readonly DatasetIssue[], out: Console): void {
  if (skipped.length === 0) return
  const lines = skipped.slice(0, LISTED).map(describe)
  if (skipped.length > LISTED) lines.push(`and ${skipped.length - LISTED} more`)
  out.warn(`${skipped.length} invalid entries left out:\n  ${lines.join('\n  ')}`)
}

function describe({ file, line, id, problem }: DatasetIssue): string {
  return `${file}${line === undefined ? '' : `:${line}`}${id === undefined ? '' : ` (${id})`}: ${problem}`
}
