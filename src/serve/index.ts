export type { LoadedAdapter } from './adapter-set.js'
export type { EmbeddingServer } from './create-embedding-server.js'
export { createEmbeddingServer } from './create-embedding-server.js'
export { type EmbeddingServerOptions, type NamedAdapterFile, SERVE_DEFAULTS, type ShadowTrial } from './options.js'
