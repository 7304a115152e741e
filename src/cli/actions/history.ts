import { listVersions, rollbackAdapter, type Version } from '../../history/versions.js'
import type { HistoryArgs, RollbackArgs } from '../commands/history.js'
import { createConsole, formatTable } from '../output/console.js'

export function history({ file, ...args }: HistoryArgs): void {
  const out = createConsole(args)
  const versions = listVersions(file)
  out.json({ file, versions })
  const head = ['version', 'trained', 'data', 'figures']
  const rows = versions.map(version => [
    version.inUse ? 'in use' : String(version.version),
    version.trained ? minute(version.trained) : 'unknown',
    dataText(version),
    figuresText(version),
  ])
  const [heading, ...lines] = formatTable([head, ...rows], out.style).split('\n')
  const replacedText = ({ replaced }: Version) =>
    replaced ? [`         replaced ${minute(replaced.date)}, ${replaced.reason}`] : []
  out.result([heading, ...lines.flatMap((line, i) => [line, ...replacedText(versions[i])])].join('\n'))
}

export function rollback({ file, number, ...args }: RollbackArgs): void {
  const out = createConsole(args)
  const done = rollbackAdapter(file, number)
  out.json(done)
  out.result(
    done.previous === done.sha256
      ? `${file} is version ${done.version} already`
      : `${file} is version ${done.version} again; what was in use stays in the history`,
  )
}

const minute = (date: string) => date.slice(0, 16).replace('T', ' ')

function dataText({ training }: Version): string {
  const { train, sha256 } = (training?.data ?? {}) as { train?: { queries?: number }; sha256?: string }
  return [train?.queries === undefined ? '' : `${train.queries} queries`, sha256?.slice(0, 8) ?? ''].join(' ').trim()
}

function figuresText({ training }: Version): string {
  const metrics = (training?.metrics ?? {}) as { base?: Record<string, number>; adapted?: Record<string, number> }
  const metric = String(training?.options?.metric ?? 'ndcg@10')
  const [base, adapted] = [metrics.base?.[metric], metrics.adapted?.[metric]]
  // The name of a metric in a file can be any text, such as that of a prototype.
  const known = typeof base === 'number' && typeof adapted === 'number'
  return known ? `${metric} ${base.toFixed(4)} -> ${adapted.toFixed(4)}` : ''
}
