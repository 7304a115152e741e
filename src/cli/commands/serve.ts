import { providerNames } from '../../providers/index.js'
import { SERVE_DEFAULTS } from '../../serve/defaults.js'
import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { integer, list, number, text } from '../options/checks.js'
import { type ProviderArgs, providerOptions } from '../options/provider-options.js'

const group = 'Server:'
const safety = 'Protection:'
const trial = 'Trial of another adapter:'

const options = defineOptions({
  adapter: {
    type: 'array',
    string: true,
    coerce: list('adapter'),
    describe: 'adapter files as PATH or NAME=PATH; the first serves MODEL:query, each one MODEL:NAME',
  },
  ...providerOptions,
  base: { ...providerOptions.base, choices: providerNames, default: 'hashing' },
  timeout: {
    ...providerOptions.timeout,
    default: SERVE_DEFAULTS.upstreamTimeoutMs / 1000,
    describe: 'seconds before one call of the upstream is given up (504)',
  },
  retries: {
    ...providerOptions.retries,
    default: 0,
    describe: 'how often a failed call of the upstream is made again, besides what clients do themselves',
  },
  'cache-queries': { type: 'boolean', default: false, describe: 'keep the embeddings of queries in the cache as well' },
  'allow-mismatch': {
    type: 'boolean',
    default: false,
    describe: "serve although the provider is not the adapter's base",
  },
  'model-name': { group, type: 'string', coerce: text('model-name'), describe: 'plain name of the model for clients' },
  host: { group, type: 'string', coerce: text('host'), default: SERVE_DEFAULTS.host, describe: 'address to listen at' },
  port: {
    group,
    type: 'number',
    coerce: integer('port', 0),
    default: SERVE_DEFAULTS.port,
    describe: 'port to listen at; 0 for any that is free',
  },
  'drain-timeout': {
    group,
    type: 'number',
    coerce: number('drain-timeout', { min: 0 }),
    default: SERVE_DEFAULTS.drainTimeoutMs / 1000,
    describe: 'seconds that requests in flight have after SIGTERM or Ctrl-C',
  },
  watch: { group, type: 'boolean', default: true, describe: 'take a new adapter file as soon as it is there' },
  'log-level': {
    group,
    choices: ['debug', 'info', 'warn', 'error', 'silent'] as const,
    default: 'info',
    describe: 'what goes to stderr, a JSON object a line',
  },
  'token-file': {
    group: safety,
    type: 'string',
    coerce: text('token-file'),
    describe: 'file with the token that clients have to send (default: ADAPTER_TRAIN_SERVE_TOKEN)',
  },
  'body-limit': {
    group: safety,
    type: 'string',
    coerce: text('body-limit'),
    default: `${SERVE_DEFAULTS.bodyLimit / 2 ** 20}MiB`,
    describe: 'largest body of a request',
  },
  'request-timeout': {
    group: safety,
    type: 'number',
    coerce: number('request-timeout', { min: 0, exclusive: true }),
    default: SERVE_DEFAULTS.requestTimeoutMs / 1000,
    describe: 'seconds before a request is given up',
  },
  'rate-limit': {
    group: safety,
    type: 'number',
    coerce: integer('rate-limit', 1),
    describe: 'requests a minute for each client address (default: no limit)',
  },
  cors: {
    group: safety,
    type: 'array',
    string: true,
    coerce: list('cors'),
    describe: 'origins whose pages may read the answers, such as https://app.example; "*" for all (default: none)',
  },
  shadow: {
    group: trial,
    type: 'string',
    coerce: text('shadow'),
    describe: 'name of the adapter on trial: logs how far the top documents of queries would change',
  },
  'shadow-data': {
    group: trial,
    type: 'string',
    coerce: text('shadow-data'),
    describe: 'data set with the documents for that',
  },
  'shadow-top': {
    group: trial,
    type: 'number',
    coerce: integer('shadow-top', 1),
    default: SERVE_DEFAULTS.shadowTop,
    describe: 'documents of a ranking that are compared',
  },
  ...outputOptions,
  json: { ...outputOptions.json, describe: 'print the address and the models as one JSON object on stdout' },
  quiet: { ...outputOptions.quiet, describe: 'log warnings and errors only' },
})

export interface ServeArgs extends ProviderArgs, OutputArgs {
  readonly base: string
  readonly adapter?: readonly string[]
  readonly timeout: number
  readonly retries: number
  readonly cacheQueries: boolean
  readonly allowMismatch: boolean
  readonly modelName?: string
  readonly host: string
  readonly port: number
  readonly drainTimeout: number
  readonly watch: boolean
  readonly logLevel: string
  readonly tokenFile?: string
  readonly bodyLimit: string
  readonly requestTimeout: number
  readonly rateLimit?: number
  readonly cors?: readonly string[]
  readonly shadow?: string
  readonly shadowData?: string
  readonly shadowTop: number
}

/** `adapter-train serve` */
export const serveCommand: Command<ServeArgs> = {
  form: 'serve',
  group: 'Use',
  describe: 'serve the base model and adapters on it to any client of OpenAI or Cohere',
  options,
  examples: [
    ['serve --base openai --adapter adapters/x.json', 'clients ask for MODEL (documents) and MODEL:query (adapted)'],
    ['serve --base openai --adapter now=a.json next=b.json --shadow next --shadow-data d.json', 'an adapter on trial'],
  ],
  async run(args) {
    const { serve } = await import('../actions/serve.js')
    await serve(args)
    return undefined
  },
}
