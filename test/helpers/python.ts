import { execFileSync } from 'node:child_process'

/** Interpreters that may have the packages which a test compares with. */
const INTERPRETERS = ['python3', '/usr/bin/python3']

/** The first Python that has the packages of all of the modules; undefined, and said so, where there is none. */
export function pythonWith(...modules: readonly string[]): string | undefined {
  const found = INTERPRETERS.find(python => {
    try {
      // Looked for, not imported: some take seconds.
      execFileSync(python, ['-c', FIND, ...modules.map(name => name.split('.')[0])], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
  if (found === undefined) console.warn(`SKIPPED what needs Python with ${modules.join(', ')}: there is none`)
  return found
}

const FIND = 'import importlib.util as u, sys; sys.exit(not all(u.find_spec(name) for name in sys.argv[1:]))'

/** What a program prints, with arguments in sys.argv. */
export function runPython(python: string, program: string, args: readonly string[] = [], cwd?: string): string {
  return execFileSync(python, ['-c', program, ...args], { encoding: 'utf8', cwd, stdio: ['ignore', 'pipe', 'pipe'] })
}
