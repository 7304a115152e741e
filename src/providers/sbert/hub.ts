import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { messageOf } from '../../errors.js'
import { writeFileAtomic } from '../../files.js'
import type { ProviderOptions } from '../provider.js'
import { proxiedFetch } from '../proxy.js'
import { chooseModelFiles, localFolder, modelError } from './files.js'

type HubOptions = Pick<ProviderOptions, 'revision' | 'dtype' | 'modelCache' | 'baseUrl' | 'apiKey'>

/** Files of one commit, stored beside them: a downloaded model needs no network and never half changes. */
type Listing = { readonly commit: string; readonly names: readonly string[] }

const LISTING = '.hub.json'
/** Optional settings; they determine the vectors, so all are downloaded before the weights. */
const SETTINGS_FILE = /^(modules|config_sentence_transformers|sentence_bert_config)\.json$|^[^/]*Pooling\/config\.json$/

/**
 * Downloads the files of a model on the Hugging Face Hub that are needed and not on this machine.
 * @param options by default revision `main`, folder `~/.cache/adapter-train/models`, address `HF_ENDPOINT`, key `HF_TOKEN`
 * @see https://huggingface.co/docs/hub/api
 */
export async function fetchHubModel(model: string, options: HubOptions): Promise<string> {
  if (!/^([\w.-]+\/)?[\w.-]+$/.test(model) || model.includes('..')) {
    const expected = 'a folder on this machine or a model id of the form "owner/name"'
    throw modelError(`model "${model}": expected ${expected}`)
  }
  const revision = options.revision ?? 'main'
  const cache = localFolder(options.modelCache ?? join(homedir(), '.cache', 'adapter-train', 'models'))
  const folder = join(cache, ...model.split('/'), encodeURIComponent(revision))
  const endpoint = (options.baseUrl ?? (process.env.HF_ENDPOINT || 'https://huggingface.co')).replace(/\/+$/, '')
  // An estimate gives "none" for a key that it does not need.
  const given = options.apiKey === 'none' ? undefined : options.apiKey
  const token = given ?? process.env.HF_TOKEN ?? process.env.HF_ACCESS_TOKEN
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
  const hub = { model, folder, endpoint, headers }

  const known: Promise<Listing> = readFile(join(folder, LISTING), 'utf8').then(JSON.parse)
  const listing = await known.catch(() => fetchListing(hub, revision))
  const files = chooseModelFiles(`${hub.endpoint}/${model}`, listing.names, options.dtype)
  for (const name of [...listing.names.filter(name => SETTINGS_FILE.test(name)), ...files.all]) {
    if (await stat(join(folder, name)).catch(() => undefined)) continue
    await download(hub, listing.commit, name)
  }
  return folder
}

interface Hub {
  readonly model: string
  readonly folder: string
  readonly endpoint: string
  readonly headers: Record<string, string>
}

async function fetchListing(hub: Hub, revision: string): Promise<Listing> {
  const response = await request(hub, `api/models/${hub.model}/revision/${encodeURIComponent(revision)}`)
  const body = (await response.json().catch(() => undefined)) as { sha?: string; siblings?: { rfilename: string }[] } | undefined
  if (!Array.isArray(body?.siblings)) {
    const fix = 'Check that it is the address of a Hugging Face Hub'
    throw modelError(`${hub.endpoint} did not list the files of "${hub.model}". ${fix}`)
  }
  const listing = { commit: body.sha ?? revision, names: body.siblings.map(file => file.rfilename) }
  writeFileAtomic(join(hub.folder, LISTING), JSON.stringify(listing))
  return listing
}

async function download(hub: Hub, commit: string, name: string): Promise<void> {
  const response = await request(hub, `${hub.model}/resolve/${encodeURIComponent(commit)}/${name}`)
  const path = join(hub.folder, name)
  // A reader never sees half a file, and two processes may download the same one.
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  await mkdir(dirname(path), { recursive: true })
  try {
    // Undici rejects a body shorter than its Content-Length, so a cut download cannot pass.
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(temporary))
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    const problem = `cannot be downloaded into "${hub.folder}": ${reasonOf(error)}. Try again`
    throw modelError(`"${name}" of the model "${hub.model}" ${problem}`, { cause: error })
  }
}

async function request(hub: Hub, path: string): Promise<Response> {
  let response: Response
  try {
    response = await proxiedFetch(`${hub.endpoint}/${path}`, { headers: hub.headers })
  } catch (error) {
    const problem = `is not on this machine and ${hub.endpoint} cannot be reached (${reasonOf(error)})`
    const fix = 'Check the network, set HF_ENDPOINT to a mirror, or give the path of a local model folder'
    throw modelError(`the model "${hub.model}" ${problem}. ${fix}`, { cause: error })
  }
  if (response.ok) return response
  await response.body?.cancel()
  const { status } = response
  const found = `${hub.endpoint} answered ${status} for "${path}" of the model "${hub.model}"`
  throw modelError(`${found}: ${remedyOf(status)}`, { details: { status } })
}

function remedyOf(status: number): string {
  // The Hub answers 401 also for a repository that does not exist.
  if (status === 401 || status === 403)
    return 'the model does not exist, or is private or gated. Check its name, or accept its licence and set HF_TOKEN'
  if (status === 404) return 'the model, revision or file does not exist. Check the name, or give a local folder'
  return 'the request failed. Try again later, or give the path of a local model folder'
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code ?? messageOf(cause ?? error)
}
