import { execFileSync } from 'node:child_process'

/** Interpreter and modules that scripts/install-python.sh has set up, if it has. */
const { ADAPTER_TRAIN_PYTHON, ADAPTER_TRAIN_REQUIRE_PYTHON = '' } = process.env
const REQUIRED = ADAPTER_TRAIN_REQUIRE_PYTHON.split(' ')
const INTERPRETERS = ADAPTER_TRAIN_PYTHON ? [ADAPTER_TRAIN_PYTHON] : ['python3', '/usr/bin/python3']

/**
 * Finds a Python with all modules; `undefined`, with a warning, if there is none.
 * @throws Error when a missing module is one that scripts/install-python.sh has installed
 */
export function pythonWith(...modules: readonly string[]): string | undefined {
  const names = modules.map(name => name.split('.')[0])
  const found = INTERPRETERS.find(python => missingFrom(python, names).length === 0)
  if (found !== undefined) return found
  const problem = `Python with ${modules.join(', ')}: there is none`
  if (ADAPTER_TRAIN_PYTHON) {
    const broken = missingFrom(ADAPTER_TRAIN_PYTHON, names).filter(name => REQUIRED.includes(name))
    if (broken.length > 0) throw new Error(`${problem}; ${ADAPTER_TRAIN_PYTHON} lacks ${broken.join(', ')}`)
  }
  console.warn(`SKIPPED what needs ${problem}`)
  return undefined
}

/** Modules that an interpreter cannot find; all of them if it does not start. */
function missingFrom(python: string, names: readonly string[]): readonly string[] {
  try {
    // Looked for, not imported: some take seconds.
    return runPython(python, FIND, names).split('\n').filter(Boolean)
  } catch {
    return names
  }
}

const FIND = 'import importlib.util as u, sys; print("\\n".join(n for n in sys.argv[1:] if not u.find_spec(n)))'

/** What a program prints, with arguments in sys.argv. */
export function runPython(python: string, program: string, args: readonly string[] = [], cwd?: string): string {
  return execFileSync(python, ['-c', program, ...args], { encoding: 'utf8', cwd, stdio: ['ignore', 'pipe', 'pipe'] })
}
