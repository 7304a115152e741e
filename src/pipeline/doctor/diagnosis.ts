import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Packages that may be missing or broken, and their users. */
export const PACKAGES = {
  'better-sqlite3': 'the embedding cache',
  'onnxruntime-node': 'the cpu engine at full speed',
  webgpu: 'the webgpu engine',
  '@tensorflow/tfjs-node-gpu': 'the tfjs engine on a GPU',
  '@tensorflow/tfjs-node': 'the tfjs engine',
  '@huggingface/transformers': 'the sbert provider',
} as const

/** Reads the version of a package as an import from here finds it; `null` if it is not installed. */
export function installedVersion(name: string): string | null {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version ?? 'unknown'
    } catch (error) {
      if (error instanceof SyntaxError) return 'unknown'
      if (folder === dirname(folder)) return null
    }
  }
}
