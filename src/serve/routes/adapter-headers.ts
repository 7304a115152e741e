import type { Target } from '../model-names.js'

/** Says in an answer whether its vectors are adapted, and by what. */
export function adapterHeaders({ adapter }: Target): Record<string, string> {
  if (!adapter) return { 'x-embedding-role': 'document' }
  return { 'x-embedding-role': 'query', 'x-adapter': adapter.name, 'x-adapter-version': adapter.version }
}
