import { AdapterTrainError } from '../../errors.js'
import { diagnose } from '../../pipeline/doctor/diagnose.js'
import type { Diagnosis } from '../../pipeline/doctor/diagnosis.js'
import type { DoctorArgs } from '../commands/doctor.js'
import { createConsole } from '../output/console.js'
import { doctorListing } from '../output/doctor-listing.js'

/**
 * Shows what works on this machine.
 * @throws ENGINE_UNAVAILABLE when something is broken without which nothing can be trained
 */
export async function doctor(args: DoctorArgs): Promise<void> {
  const out = createConsole(args)
  const found = await diagnose(args.cache === 'none' ? undefined : args.cache)
  out.result(doctorListing(found, out.style))
  const problems = findProblems(found)
  if (problems.length > 0) {
    throw new AdapterTrainError('ENGINE_UNAVAILABLE', problems.join('\n'), { details: { report: found } })
  }
  if (args.json) out.json(found)
}

/** What is broken of that which every machine needs, and what to do. */
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
