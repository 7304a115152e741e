import { AdapterTrainError } from '../../errors.js'
import { type Diagnosis, diagnose } from '../../pipeline/doctor/diagnose.js'
import type { DoctorArgs } from '../commands/doctor.js'
import { createConsole } from '../output/console.js'
import { PLAIN, type Style } from '../output/style.js'
import { count } from '../output/tables.js'
import { padEnd, visibleWidth } from '../output/width.js'

export async function doctor(args: DoctorArgs): Promise<void> {
  const out = createConsole(args)
  const found = await diagnose(args.cache === 'none' ? undefined : args.cache)
  out.result(doctorListing(found, out.style))
  const problems = findProblems(found)
  if (problems.length > 0) throw new AdapterTrainError('ENGINE_UNAVAILABLE', problems.join('\n'), { details: { report: found } })
  out.json(found)
}

function findProblems({ engines, packages }: Diagnosis): string[] {
  const problems: string[] = []
  const cpu = engines.find(({ name }) => name === 'cpu')
  if (!cpu?.usable) {
    problems.push(
      `the cpu engine cannot run: ${cpu?.problem}. Install the packages again (npm install), or remove onnxruntime-node ` +
        '(npm uninstall onnxruntime-node): the engine runs without it too, though slower',
    )
  }
  const sqlite = packages.find(({ name }) => name === 'better-sqlite3')
  if (sqlite?.version === null) problems.push('the package better-sqlite3 is not installed: run npm install')
  if (sqlite?.problem) {
    problems.push(
      `better-sqlite3 cannot run: ${sqlite.problem}. It needs its install script: allow it with "better-sqlite3": true ` +
        'below "allowScripts" in your package.json (npm 11: npm approve-scripts better-sqlite3), then run ' +
        'npm rebuild better-sqlite3',
    )
  }
  return problems
}

type Row = readonly string[]

export function doctorListing(found: Diagnosis, style: Style = PLAIN): string {
  const sections: [title: string, rows: Row[]][] = [
    ['System', systemRows(found)],
    ['Engines', engineRows(found)],
    ['GPU adapters', adapterRows(found)],
    ['Packages', found.packages.map(packageRow)],
    ['Providers', found.providers.map(providerRow)],
    ['Cache', cacheRows(found.cache)],
  ]
  return sections.map(([title, rows]) => `${style.bold(title)}\n${aligned(rows)}`).join('\n\n')
}

function systemRows({ version, node, machine }: Diagnosis): Row[] {
  return [
    ['adapter-train', version],
    ['Node.js', `${node.version} (${node.ok ? '' : 'too old: '}needs ${node.required})`],
    ['platform', `${machine.os} ${machine.arch}, ${machine.release}`],
    ['cores', String(machine.cores)],
    ['memory', `${gigabytes(machine.memoryBytes)}, ${gigabytes(machine.availableBytes)} available`],
  ]
}

function engineRows({ engines, auto }: Diagnosis): Row[] {
  const because = auto.problem ? `${auto.problem}; name an engine, such as --engine cpu` : auto.reason
  return [
    ...engines.map(({ name, usable, description, problem }) => [name, usable ? 'yes' : 'no', description ?? problem ?? '']),
    ['auto', auto.engine ?? 'no', [because, auto.warning].filter(Boolean).join('; ')],
  ]
}

function adapterRows({ gpus: { adapters, problem }, engines }: Diagnosis): Row[] {
  if (problem) return [['unknown', engines.some(engine => engine.problem === problem) ? 'see webgpu above' : problem]]
  if (adapters.length === 0) return [['none', 'WebGPU sees none']]
  return adapters.map(({ name, backend, software }) => [name, backend, software ? 'software: computes on the CPU' : 'GPU'])
}

function packageRow({ name, version, problem, usedBy }: Diagnosis['packages'][number]): Row {
  return [name, version ?? 'not installed', problem ? `cannot run: ${problem}` : `for ${usedBy}`]
}

function providerRow({ name, defaultModel = '-', keyVariables = [], keyFrom, problem }: Diagnosis['providers'][number]): Row {
  const without = keyVariables.length > 0 ? `no key in ${keyVariables.join(' or ')}` : 'needs no key'
  return [name, defaultModel, problem ?? (keyFrom ? `key in ${keyFrom}` : without)]
}

function cacheRows(cache: Diagnosis['cache']): Row[] {
  if (!cache) return [['none', 'embeddings are not kept']]
  const { file, exists, bytes = 0, vectors, spaces = [], problem } = cache
  if (problem) return [[file, problem]]
  if (!exists) return [[file, 'not there yet: made when texts are first embedded']]
  return [
    [file, `${(bytes / 1e6).toFixed(1)} MB, ${count(vectors ?? 0, 'vector')}, ${count(spaces.length, 'space')}`],
    ...spaces.map(space => ['', `${count(space.vectors, 'vector')} of ${space.dimensions}: ${space.key}`]),
  ]
}

function aligned(rows: readonly Row[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(cells => visibleWidth(cells[column]))))
  return rows.map(cells => `  ${cells.map((cell, i) => padEnd(cell, widths[i])).join('  ')}`.trimEnd()).join('\n')
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
