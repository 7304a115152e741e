import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PAIRS } from './options.mjs'

const run = promisify(execFile)

const DEFAULT_PEER = fileURLToPath(new URL('../../shared/peers/torch_adapter.py', import.meta.url))

/** The settings with which the script says to be fastest; one that the user has set stays. */
const SETTINGS = {
  OMP_WAIT_POLICY: 'passive',
  MALLOC_MMAP_THRESHOLD_: '4000000000',
  MALLOC_TRIM_THRESHOLD_: '4000000000',
}

/** PyTorch's environment: without what forces OpenBLAS to a kernel other than that of the processor. */
export function torchEnvironment() {
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...rest } = process.env
  return { ...SETTINGS, ...rest }
}

const TIMEOUT_MS = 300_000

/** llamaindex's own batch. */
export const LLAMAINDEX_BATCH = 10

/** Runs the script's main() for every line of JSON arguments, so that torch is imported once. */
const LOOP = `
import contextlib, importlib.util, io, json, sys
spec = importlib.util.spec_from_file_location("peer", sys.argv[1])
peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)
for line in sys.stdin:
    sys.argv[1:] = json.loads(line)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        peer.main()
    print(out.getvalue().strip().split("\\n")[-1], flush=True)
`

/**
 * Looks for the PyTorch script and a Python that has torch.
 * @param {Pick<import('./options.mjs').BenchOptions, 'peer' | 'python'>} options
 * @returns the peer, or why there is none
 */
export async function findPeer({ peer, python }) {
  const script = resolve(peer || process.env.ADAPTER_TRAIN_PEER || DEFAULT_PEER)
  if (!existsSync(script)) return { absent: `PyTorch: there is no ${script}; say where it is with --peer` }
  const candidates = python ? [python] : [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean)
  for (const command of candidates) {
    try {
      const code = 'import torch, numpy; print("version", torch.__version__); torch.ones(64, 64) @ torch.ones(64, 64)'
      const { blas, said } = await blasOf(command, code, torchEnvironment())
      return { peer: createPeer(command, script, /^version (.+)$/m.exec(said)?.[1] ?? 'unknown', blas) }
    } catch {
      // Not this one.
    }
  }
  return { absent: `PyTorch: none of ${candidates.join(', ')} has torch and numpy; say which does with --python` }
}

/** What a Python's matrix library says of itself and of the kernel it took, by its own verbose output. */
export async function blasOf(command, code, env) {
  const verbose = { ...env, MKL_VERBOSE: '1', OPENBLAS_VERBOSE: '2' }
  const { stdout, stderr } = await run(command, ['-c', code], { env: verbose })
  const said = `${stdout}\n${stderr}`
  const mkl = /MKL_VERBOSE (oneMKL [\d.]+(?: Update \d+)?).* architecture (.+?)(?: enabled processors)?,/.exec(said)
  const core = /^Core: (.+)$/m.exec(said)
  const blas = core ? `OpenBLAS, ${core[1].trim()}` : 'a BLAS that does not name its kernel'
  return { said, blas: mkl ? `${mkl[1]}, ${mkl[2].replaceAll('(R)', '').trim()}` : blas }
}

function createPeer(command, script, version, blas) {
  let child
  let lines
  let errors = ''
  const start = () => {
    child = spawn(command, ['-c', LOOP, script], { env: torchEnvironment() })
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    child.stderr.on('data', chunk => {
      errors = `${errors}${chunk}`.slice(-4000)
    })
    lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }
  return {
    version,
    blas,
    description: `PyTorch ${version} (${command}), ${blas}`,
    /**
     * Measures one recipe, in a process of its own.
     * @param {string} recipe
     * @param {{ dim: number, batch: number }} size
     * @param {number} seconds
     */
    async measure(recipe, { dim, batch }, seconds) {
      if (!child) start()
      const flags = { recipe, pairs: PAIRS, dim, batch, seconds }
      const args = ['bench', ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])]
      child.stdin.write(`${JSON.stringify(args)}\n`)
      const timer = setTimeout(() => child.kill(), TIMEOUT_MS)
      const { value, done } = await lines.next()
      clearTimeout(timer)
      if (!done) return { msPerStep: JSON.parse(value).ms_per_step }
      child = undefined
      throw new Error(errors.trim().split('\n').at(-1) || `the process ended, or took more than ${TIMEOUT_MS / 1000} s`)
    },
    close: () => child?.stdin.end(),
  }
}

/** @typedef {ReturnType<typeof createPeer>} Peer */
