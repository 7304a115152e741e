import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'
import { pythonWith, runPython } from '../helpers/python.js'
import type { Block } from './pages.js'
import type { Sandbox } from './sandbox.js'

/** Milliseconds for one block. */
const LIMIT = 280_000

/** Blocks of these languages are programs. */
export const RUN = ['sh', 'ts', 'js', 'mjs', 'python'] as const

/** A block that no Python of this machine can run. */
export class NoPython extends Error {}

/**
 * Runs a block to its end; one that starts a server is ended once it has printed something.
 * @returns stdout
 * @throws NoPython when a module it imports is missing
 * @throws Error with the block's place and what it printed when it fails
 */
export function runBlock(block: Block, sandbox: Sandbox): Promise<string> {
  const code = block.code
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${sandbox.port}`)
    .replaceAll('port: 8080', `port: ${sandbox.port}`)
  if (block.language === 'sh') return start('bash', ['-e', '-o', 'pipefail', '-c', code], block, sandbox)
  if (block.language === 'python') {
    const modules = modulesOf(code)
    const python = pythonWith('sys', ...modules)
    if (python === undefined) return Promise.reject(new NoPython(`${block.place} needs Python with ${modules.join(', ')}`))
    return start(python, ['-c', code], block, sandbox)
  }
  const file = join(sandbox.cwd, `block-${block.index}.mjs`)
  const loader = block.language === 'ts' ? 'ts' : 'js'
  writeFileSync(file, transformSync(code, { loader, format: 'esm', target: 'node20' }).code)
  return start(process.execPath, [file], block, sandbox, code.includes('.listen('))
}

/** @throws Error when Python finds a mistake in the syntax */
export function compilePython(python: string, code: string, place: string): void {
  runPython(python, 'import sys; compile(sys.argv[1], sys.argv[2], "exec")', [code, place])
}

/** Ends what the page left running. */
export function stopServer({ cwd }: Sandbox): void {
  const file = join(cwd, 'server.pid')
  if (!existsSync(file)) return
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 'SIGTERM')
  } catch {
    // It failed, and the page's error is the one to show.
  }
  rmSync(file)
}

/** Top-level modules that a Python program imports. */
function modulesOf(code: string): string[] {
  const lists = [...code.matchAll(/^(?:from (\w+)[\w.]* import|import (.+))/gm)]
  return lists.flatMap(([, from, list = from]) => list.split(',').map(name => /\w+/.exec(name)![0]))
}

function start(
  program: string,
  args: readonly string[],
  { place }: Block,
  { cwd, env }: Sandbox,
  serves = false,
): Promise<string> {
  if (serves) stopServer({ cwd } as Sandbox)
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
      if (serves) child.kill('SIGTERM')
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.on('error', fail)
    child.on('close', (exit, signal) => {
      if (exit === 0) done(stdout)
      else fail(new Error(`${place} ended with ${signal ?? exit}:\n${stdout.slice(-1500)}\n${stderr.slice(-2500)}`))
    })
  })
}
