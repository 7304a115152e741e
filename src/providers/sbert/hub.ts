import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { AdapterTrainError, messageOf } from '../../errors.js'
import { chooseModelFiles, localFolder } from './files.js'

export interface HubOptions {
  /** Branch, tag or commit; by default `main`. */
  readonly revision?: string
  readonly dtype?: string
  /** Folder in which models are kept; by default `~/.cache/adapter-train/models`. */
  readonly modelCache?: string
  /** Address of the Hub or of a mirror; by default `HF_ENDPOINT`, else https://huggingface.co. */
  readonly baseUrl?: string
  /** For gated models; by default `HF_TOKEN`. */
  readonly apiKey?: string
}

/** The files of one commit, kept beside them so that a model once fetched needs no network and never half changes. */
interface Listing {
  readonly commit: string
  readonly names: readonly string[]
}

const LISTING = '.hub.json'

/** Settings that a model may have; which of them exist decides the vectors, so all are fetched before the weights. */
const SETTINGS_FILE = /^(modules|config_sentence_transformers|sentence_bert_config)\.json$|^[^/]*Pooling\/config\.json$/

/**
 * Fetches what is needed of a model on the Hugging Face Hub and is not here yet.
 *
 * @param model hub id, such as `Xenova/all-MiniLM-L6-v2`
 * @returns the folder that holds it
 * @throws PROVIDER_MODEL when there is no such model, it may not be read, a file is missing, or the Hub is out of reach
 * @see https://huggingface.co/docs/hub/api
 */
export async function fetchHubModel(model: string, options: HubOptions = {}): Promise<string> {
  if (!/^([\w.-]+\/)?[\w.-]+$/.test(model) || model.includes('..')) {
    throw new AdapterTrainError(
      'PROVIDER_MODEL',
      `"${model}" is neither a folder on this machine nor a model id of the form "owner/name"`,
    )
  }
  const revision = options.revision ?? 'main'
  const cache = localFolder(options.modelCache ?? join(homedir(), '.cache', 'adapter-train', 'models'))
  const folder = join(cache, ...model.split('/'), encodeURIComponent(revision))
  const hub = { model, folder, endpoint: endpointOf(options), headers: headersOf(options) }

  const listing = (await readListing(folder)) ?? (await fetchListing(hub, revision))
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

async function readListing(folder: string): Promise<Listing | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, LISTING), 'utf8')) as Listing
  } catch {
    return undefined
  }
}

async function fetchListing(hub: Hub, revision: string): Promise<Listing> {
  const response = await request(hub, `api/models/${hub.model}/revision/${encodeURIComponent(revision)}`)
  const body = (await response.json().catch(() => undefined)) as
    | { sha?: string; siblings?: { rfilename: string }[] }
    | undefined
  if (!Array.isArray(body?.siblings)) {
    throw new AdapterTrainError(
      'PROVIDER_MODEL',
      `${hub.endpoint} did not list the files of "${hub.model}"; is it the address of a Hugging Face Hub?`,
    )
  }
  const listing = { commit: body.sha ?? revision, names: body.siblings.map(file => file.rfilename) }
  await mkdir(hub.folder, { recursive: true })
  await writeAtomically(join(hub.folder, LISTING), path => writeFile(path, JSON.stringify(listing)))
  return listing
}

async function download(hub: Hub, commit: string, name: string): Promise<void> {
  const response = await request(hub, `${hub.model}/resolve/${encodeURIComponent(commit)}/${name}`)
  const path = join(hub.folder, name)
  await mkdir(dirname(path), { recursive: true })
  try {
    await writeAtomically(path, temporary =>
      // Undici rejects a body that is shorter than its Content-Length, so that a cut download cannot pass.
      pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(temporary)),
    )
  } catch (error) {
    throw new AdapterTrainError(
      'PROVIDER_MODEL',
      `"${name}" of the model "${hub.model}" could not be fetched into "${hub.folder}": ${reasonOf(error)}; try again`,
      { cause: error },
    )
  }
}

/** A reader never sees half a file, and two processes may fetch the same one. */
async function writeAtomically(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`
  try {
    await write(temporary)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function request(hub: Hub, path: string): Promise<Response> {
  let response: Response
  try {
    response = await fetch(`${hub.endpoint}/${path}`, { headers: hub.headers })
  } catch (error) {
    throw new AdapterTrainError(
      'PROVIDER_MODEL',
      `the model "${hub.model}" is not on this machine and ${hub.endpoint} cannot be reached (${reasonOf(error)}); ` +
        'check the network, name a mirror in HF_ENDPOINT, or give the path of a local model folder',
      { cause: error },
    )
  }
  if (response.ok) return response
  await response.body?.cancel()
  throw new AdapterTrainError(
    'PROVIDER_MODEL',
    `${hub.endpoint} answered ${response.status} for "${path}" of the model "${hub.model}": ${remedyOf(response.status)}`,
    { details: { status: response.status } },
  )
}

function remedyOf(status: number): string {
  // The Hub answers 401 also for a repository that does not exist.
  if (status === 401 || status === 403) {
    return (
      'there is no such model, or it is private or gated; check its name, or accept its licence on its page and ' +
      'set HF_TOKEN to a token that may read it'
    )
  }
  if (status === 404) return 'there is no such model, revision or file; check the name, or give a local folder'
  return 'try again later, or give the path of a local model folder'
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code ?? messageOf(cause ?? error)
}

function endpointOf({ baseUrl }: HubOptions): string {
  return (baseUrl ?? (process.env.HF_ENDPOINT || 'https://huggingface.co')).replace(/\/+$/, '')
}

function headersOf({ apiKey }: HubOptions): Record<string, string> {
  const token = apiKey ?? process.env.HF_TOKEN ?? process.env.HF_ACCESS_TOKEN
  return token ? { authorization: `Bearer ${token}` } : {}
}
