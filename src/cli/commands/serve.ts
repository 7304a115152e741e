import { parseBytes } from '../../memory-limit.js'
import { SERVE_DEFAULTS } from '../../serve/options.js'
import { type Command, outputOptions } from '../command.js'
import { adapterBaseOptions } from '../options/provider-options.js'
import type { ArgsOf } from '../options/rows.js'
import { choice, file, flag, inGroup, integer, list, name, number, positive, text, toggle } from '../options/rows.js'

const D = SERVE_DEFAULTS

const options = {
  adapter: list('adapters as FILE or NAME=FILE; the first serves MODEL:query, each one MODEL:NAME', { placeholder: 'FILE' }),
  ...adapterBaseOptions,
  timeout: {
    ...adapterBaseOptions.timeout,
    default: D.upstreamTimeoutMs / 1000,
    describe: 'seconds before one call of the upstream is given up (504)',
  },
  retries: {
    ...adapterBaseOptions.retries,
    default: 0,
    describe: 'retries of a failed upstream call, besides those of the client',
  },
  'cache-queries': flag('embeddings of queries cached too'),
  'allow-mismatch': flag("service even if the provider is not the adapter's base"),
  ...inGroup('Server', {
    'model-name': name('plain name of the model for clients'),
    host: name('address to listen at', { default: D.host }),
    port: integer('port to listen at; 0 for any free one', { min: 0, max: 65_535, default: D.port }),
    'drain-timeout': number('seconds for requests in flight after SIGTERM or Ctrl-C', {
      min: 0,
      default: D.drainTimeoutMs / 1000,
    }),
    watch: toggle('adapters reloaded when their file changes', { default: true }),
    'log-level': choice(['debug', 'info', 'warn', 'error', 'silent'], 'level of the log on stderr, one JSON object per line', {
      default: 'info',
    }),
  }),
  ...inGroup('Protection', {
    'token-file': file('token that clients have to send (default: ADAPTER_TRAIN_SERVE_TOKEN)'),
    'body-limit': text('largest body of a request', {
      placeholder: 'SIZE',
      coerce: parseBytes,
      default: `${D.bodyLimit / 2 ** 20}MiB`,
    }),
    'request-timeout': positive('seconds before a request is given up', { default: D.requestTimeoutMs / 1000 }),
    'rate-limit': integer('requests per minute and client address (default: no limit)', { min: 1 }),
    cors: list('origins whose pages may read answers, such as https://app.example; "*" for all (default: none)'),
  }),
  ...inGroup('Trial of another adapter', {
    shadow: name('adapter on trial: logs how much the top documents of queries would change'),
    'shadow-data': file('dataset with the documents of the trial'),
    'shadow-top': integer('documents per ranking that are compared', { min: 1, default: D.shadowTop }),
  }),
  ...outputOptions,
  json: flag('address and models as one JSON object on stdout'),
  quiet: flag('warnings and errors only in the log'),
}

export type ServeArgs = ArgsOf<typeof options>

export const serveCommand: Command = {
  form: 'serve',
  group: 'Use',
  describe: 'Serve a base model and its adapters to OpenAI and Cohere clients',
  options,
  examples: [
    ['serve --adapter adapters/x.json', 'clients ask for MODEL (documents) and MODEL:query (adapted)'],
    ['serve --adapter now=a.json next=b.json --shadow next --shadow-data d.json', 'an adapter on trial'],
  ],
}
