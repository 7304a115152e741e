export type { LoadedAdapter, NamedAdapterFile } from './adapter-set.js'
export {
  createEmbeddingServer,
  type EmbeddingServer,
  type EmbeddingServerOptions,
  type ShadowTrial,
} from './create-embedding-server.js'
export { SERVE_DEFAULTS } from './defaults.js'
