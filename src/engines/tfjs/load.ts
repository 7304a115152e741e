import { createRequire } from 'node:module'
import util from 'node:util'
import type * as tfjs from '@tensorflow/tfjs-core'
import { AdapterTrainError, messageOf } from '../../errors.js'

/** What every tfjs package exports. */
export type Tf = typeof tfjs

/** A tfjs package that computes on this machine. */
export interface LoadedTfjs {
  readonly tf: Tf
  readonly package: string
  /** Name of the tfjs backend, such as "tensorflow". */
  readonly backend: string
  readonly gpu: boolean
}

/** `auto` takes the first package that works; `gpu` only one that sees a GPU; `cpu` also tfjs's plain JavaScript backend. */
export type TfjsBackend = 'auto' | 'gpu' | 'cpu'

const GPU = '@tensorflow/tfjs-node-gpu'
const NATIVE = '@tensorflow/tfjs-node'
const CORE = '@tensorflow/tfjs-core'
const CORE_CPU = '@tensorflow/tfjs-backend-cpu'

// One process must not load both native packages: each registers itself as the backend "tensorflow".
const CANDIDATES: Record<TfjsBackend, readonly string[]> = {
  auto: [GPU, NATIVE],
  gpu: [GPU],
  cpu: [NATIVE, CORE],
}

/**
 * Loads the first tfjs package that is installed and computes.
 *
 * @param load how a package is imported; `import()` unless a test says otherwise
 * @throws ENGINE_UNAVAILABLE when none is installed, none starts, or `gpu` was asked for and none is seen
 */
export async function loadTfjs(
  backend: TfjsBackend,
  load: (name: string) => Promise<unknown> = importPackage,
): Promise<LoadedTfjs> {
  const failures: string[] = []
  let cause: unknown
  for (const name of CANDIDATES[backend]) {
    try {
      const tf = moduleOf(await load(name))
      if (name === CORE) await useCpuBackend(tf, load)
      return { tf, package: name, ...(await start(tf, backend)) }
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

/**
 * Says which tfjs package the tfjs engine would use and whether it sees a GPU; `undefined` where none is installed or works.
 */
export async function probeTfjs(): Promise<Omit<LoadedTfjs, 'tf'> | undefined> {
  try {
    const { package: name, backend, gpu } = await loadTfjs('auto')
    return { package: name, backend, gpu }
  } catch {
    return undefined
  }
}

/**
 * Waits for a tfjs module's backend and tries it with a small product, so that a broken installation shows here.
 * @throws ENGINE_UNAVAILABLE when it does not compute, or when `gpu` was asked for and it sees none
 */
export async function start(tf: Tf, backend: TfjsBackend): Promise<{ backend: string; gpu: boolean }> {
  await tf.ready()
  const product = tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])))
  const [value] = await product.data()
  product.dispose()
  const name = tf.getBackend()
  if (value !== 3) {
    throw new AdapterTrainError('ENGINE_UNAVAILABLE', `the tfjs backend "${name}" computes 1 + 1 + 1 = ${value}`)
  }
  const gpu = seesGpu(tf)
  if (backend === 'gpu' && !gpu) {
    throw new AdapterTrainError(
      'ENGINE_UNAVAILABLE',
      `the tfjs backend "${name}" sees no GPU; check the CUDA installation, or choose device auto or cpu`,
    )
  }
  return { backend: name, gpu }
}

/** The native backend says what it runs on; the other backends that are not the CPU's are a browser's GPU. */
function seesGpu(tf: Tf): boolean {
  const native = tf.backend() as { isUsingGpuDevice?: boolean }
  return native.isUsingGpuDevice ?? ['webgl', 'webgpu'].includes(tf.getBackend())
}

async function importPackage(name: string): Promise<unknown> {
  if (name === GPU || name === NATIVE) {
    createRequire(import.meta.url).resolve(name) // Throws where it is not installed, before anything is set for it.
    prepareNative()
  }
  return import(name)
}

/**
 * Settings that TensorFlow reads when it starts; a value that the user has set stays.
 * @see https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_tensor_float_32_execution
 */
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

/** Node finds only some of a CommonJS module's names, but always the module itself as its default. */
function moduleOf(imported: unknown): Tf {
  const { default: whole } = imported as { default?: Tf }
  return whole ?? (imported as Tf)
}

function isMissing(error: unknown, name: string): boolean {
  const code = (error as { code?: string }).code
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && messageOf(error).includes(`'${name}'`)
}
