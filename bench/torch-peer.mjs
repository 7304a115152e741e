import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PAIRS } from './options.mjs'

const run = promisify(execFile)

const DEFAULT_PEER = fileURLToPath(new URL('../../shared/peers/torch_adapter.py', import.meta.url))

/** The settings with which the script says to be fastest; one that the user has set stays. */
const ENVIRONMENT = {
  OMP_WAIT_POLICY: 'passive',
  MALLOC_MMAP_THRESHOLD_: '4000000000',
  MALLOC_TRIM_THRESHOLD_: '4000000000',
}

const TIMEOUT_MS = 300_000

/** llamaindex's own batch. */
export const LLAMAINDEX_BATCH = 10

/**
 * Looks for the PyTorch script and a Python that has torch.
 * @param {import('./options.mjs').BenchOptions} options
 * @returns the peer, or why there is none
 */
export async function findPeer({ peer, python }) {
  const script = resolve(peer || process.env.ADAPTER_TRAIN_PEER || DEFAULT_PEER)
  if (!existsSync(script)) return { absent: `PyTorch: there is no ${script}; say where it is with --peer` }
  const candidates = python ? [python] : [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean)
  for (const command of candidates) {
    try {
      const { stdout } = await run(command, ['-c', 'import torch, numpy; print(torch.__version__)'])
      return { peer: createPeer(command, script, stdout.trim()) }
    } catch {
      // Not this one.
    }
  }
  return { absent: `PyTorch: none of ${candidates.join(', ')} has torch and numpy; say which does with --python` }
}

function createPeer(command, script, version) {
  return {
    description: `PyTorch ${version} (${command})`,
    /**
     * Measures one recipe in a process of its own.
     * @param {string} recipe
     * @param {{ dim: number, batch: number }} size
     * @param {number} seconds
     */
    async measure(recipe, { dim, batch }, seconds) {
      const flags = { recipe, pairs: PAIRS, dim, batch, seconds }
      const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
      try {
        const { stdout } = await run(command, [script, 'bench', ...args], {
          env: { ...ENVIRONMENT, ...process.env },
          timeout: TIMEOUT_MS,
        })
        return { msPerStep: JSON.parse(stdout).ms_per_step }
      } catch (error) {
        const lastLine = error.stderr?.trim().split('\n').at(-1)
        throw new Error(lastLine || error.message, { cause: error })
      }
    },
  }
}

/** @typedef {ReturnType<typeof createPeer>} Peer */
