import { parseArgs } from 'node:util'

export const BENCHES = ['floor', 'train', 'apply', 'cache']
export const ENGINES = ['cpu', 'webgpu', 'tfjs', 'js']
export const RECIPES = ['stacked', 'llamaindex']

export const HELP = `npm run bench -- [options]

  --quick            fewer sizes and shorter runs: under two minutes in all
  --json FILE        also write the figures as a JSON array
  --only LIST        of ${BENCHES.join(', ')}; all by default
  --dims LIST        dimensions (default 384,768,1536,3072)
  --batches LIST     batch sizes (default 32,256,1024)
  --pools LIST       documents in a large pool (default 1000,10000); 0 for none
  --engines LIST     of ${ENGINES.join(', ')}; all that run here by default
  --device NAME      WebGPU adapter by part of its name, or "software"
  --peers LIST       of ${RECIPES.join(', ')}, or none; both by default
  --peer PATH        the PyTorch script (default $ADAPTER_TRAIN_PEER, else ../shared/peers/torch_adapter.py)
  --python PATH      a Python that has torch (default: the first of $PYTHON, python3, /usr/bin/python3)
  --seconds S        time of one measurement (default 2.5, quick 0.7)
  --rounds N         turns that each engine and peer gets (default 3, quick 2)
`

/** Pairs of an epoch, as in every table. */
export const PAIRS = 10_000

/**
 * Reads the command line.
 * @param {string[]} args
 * @throws {TypeError} when an option is unknown or has no meaning
 */
export function readOptions(args) {
  const string = /** @type {{ type: 'string' }} */ ({ type: 'string' })
  const boolean = /** @type {{ type: 'boolean', default: boolean }} */ ({ type: 'boolean', default: false })
  const { values: v } = parseArgs({
    args,
    options: {
      quick: boolean,
      help: boolean,
      json: string,
      only: string,
      dims: string,
      batches: string,
      pools: string,
      engines: string,
      device: string,
      peers: string,
      peer: string,
      python: string,
      seconds: string,
      rounds: string,
    },
  })
  const dims = v.dims === undefined ? undefined : integers('--dims', v.dims)
  const pools = v.pools === '0' ? [] : integers('--pools', v.pools ?? (v.quick ? '1000' : '1000,10000'))
  return {
    help: v.help,
    quick: v.quick,
    json: v.json,
    only: names('--only', v.only, BENCHES),
    dims: dims ?? (v.quick ? [384, 1536] : [384, 768, 1536, 3072]),
    applyDims: dims ?? [384, 768, 1536, 3072],
    poolDims: dims ?? [384, 1536],
    batches: integers('--batches', v.batches ?? (v.quick ? '32,256' : '32,256,1024')),
    pools,
    engines: names('--engines', v.engines, ENGINES),
    /** Whether the engines were named, so that none is left out for being slow. */
    enginesGiven: v.engines !== undefined,
    device: v.device,
    recipes: v.peers === 'none' ? [] : names('--peers', v.peers, RECIPES),
    peer: v.peer,
    python: v.python,
    seconds: positive('--seconds', v.seconds ?? (v.quick ? '0.7' : '2.5')),
    rounds: integers('--rounds', v.rounds ?? (v.quick ? '2' : '3'))[0],
  }
}

/** @typedef {ReturnType<typeof readOptions>} BenchOptions */

function names(option, text, known) {
  if (text === undefined) return known
  const list = text.split(',')
  const unknown = list.find(name => !known.includes(name))
  if (unknown !== undefined) throw new TypeError(`${option}: expected of ${known.join(', ')}, found "${unknown}"`)
  return list
}

function integers(option, text) {
  return text.split(',').map(part => {
    const n = positive(option, part)
    if (!Number.isInteger(n)) throw new TypeError(`${option}: expected whole numbers, found "${part}"`)
    return n
  })
}

function positive(option, text) {
  const n = Number(text)
  if (text.trim() === '' || !(n > 0) || n === Infinity) {
    throw new TypeError(`${option}: expected numbers above 0, found "${text}"`)
  }
  return n
}
