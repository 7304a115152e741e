import { createRequire } from 'node:module'
import util from 'node:util'
import type * as tfjs from '@tensorflow/tfjs-core'
import { AdapterTrainError, messageOf } from '../../errors.js'

export type Tf = typeof tfjs

/** `auto` takes the first package that works; `gpu` only one that detects a GPU; `cpu` also tfjs's JavaScript backend. */
export type TfjsBackend = 'auto' | 'gpu' | 'cpu'

const GPU = '@tensorflow/tfjs-node-gpu'
const NATIVE = '@tensorflow/tfjs-node'
const CORE = '@tensorflow/tfjs-core'
const CORE_CPU = '@tensorflow/tfjs-backend-cpu'

// One process must not load both native packages: each registers itself as the backend "tensorflow".
const CANDIDATES: Record<TfjsBackend, readonly string[]> = { auto: [GPU, NATIVE], gpu: [GPU], cpu: [NATIVE, CORE] }

/** Loads the first tfjs package that is installed and computes. `load`: imports a package; for tests. */
export async function loadTfjs(backend: TfjsBackend, load: (name: string) => Promise<unknown> = importPackage) {
  const failures: string[] = []
  let cause: unknown
  for (const name of CANDIDATES[backend]) {
    try {
      // Node finds only some of a CommonJS module's names, but always the module itself as its default.
      const imported = (await load(name)) as Tf & { readonly default?: Tf }
      const tf = imported.default ?? imported
      if (name === CORE) await useCpuBackend(tf, load)
      const started = await start(tf, backend)
      return { tf, package: name, ...started }
    } catch (error) {
      if (isMissing(error, name)) continue
      cause = error
      failures.push(`${name}: ${messageOf(error)}`)
    }
  }
  const packages = CANDIDATES[backend].map(name => (name === CORE ? `${CORE} with ${CORE_CPU}` : name)).join(' or ')
  throw new AdapterTrainError(
    'ENGINE_UNAVAILABLE',
    failures.length > 0
      ? `the tfjs engine cannot start: ${failures.join('; ')}`
      : `the tfjs engine needs ${packages}, which is not installed; run npm install ${CANDIDATES[backend][0]}`,
    { cause },
  )
}

/** Finds the package that the tfjs engine would use; undefined if none is installed or works. */
export const probeTfjs = async () => loadTfjs('auto').catch(() => undefined)

/** Waits for a tfjs module's backend, such as "tensorflow", and tests it with a small product. */
export async function start(tf: Tf, backend: TfjsBackend) {
  await tf.ready()
  const product = tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])))
  const [value] = await product.data()
  product.dispose()
  const name = tf.getBackend()
  if (value !== 3) throw new AdapterTrainError('ENGINE_UNAVAILABLE', `the tfjs backend "${name}" computes 1 + 1 + 1 = ${value}`)
  // The native backend tells its device; webgl and webgpu are a browser's.
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean }
  const gpu = isUsingGpuDevice ?? ['webgl', 'webgpu'].includes(name)
  if (backend === 'gpu' && !gpu) {
    throw new AdapterTrainError(
      'ENGINE_UNAVAILABLE',
      `the tfjs backend "${name}" sees no GPU; check the CUDA installation, or choose device auto or cpu`,
    )
  }
  return { backend: name, gpu }
}

async function importPackage(name: string): Promise<unknown> {
  if (name === GPU || name === NATIVE) {
    createRequire(import.meta.url).resolve(name) // Throws where it is not installed, before anything is set for it.
    prepareNative()
  }
  return import(name)
}

/** Sets what TensorFlow reads at its start, unless the user has set it. */
function prepareNative(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  // Products in TensorFloat-32 keep 10 bits of the mantissa: too few for the scores of near duplicates.
  process.env.NVIDIA_TF32_OVERRIDE ??= '0'
  // tfjs-node 4.22 calls this on every operation; Node 23 removed it (github.com/tensorflow/tfjs/issues/8609).
  const legacy = util as { isNullOrUndefined?: (value: unknown) => boolean }
  legacy.isNullOrUndefined ??= value => value === null || value === undefined
}

async function useCpuBackend(tf: Tf, load: (name: string) => Promise<unknown>): Promise<void> {
  await load(CORE_CPU)
  await tf.setBackend('cpu')
  // The backend's first tensor prints a hint to install tfjs-node unless it believes to be elsewhere.
  const inNode = tf.env().get('IS_NODE')
  tf.env().set('IS_NODE', false)
  tf.scalar(0).dispose()
  tf.env().set('IS_NODE', inNode)
}

function isMissing(error: unknown, name: string): boolean {
  const code = (error as { code?: string }).code
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && messageOf(error).includes(`'${name}'`)
}
