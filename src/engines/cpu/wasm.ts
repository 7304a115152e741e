import { fromBase64 } from '../../math/base64.js'

/** The part of the WebAssembly API that is used here; Node and browsers have it, TypeScript knows it with the DOM only. */
interface WebAssemblyApi {
  Memory: new (limits: { initial: number; maximum?: number }) => WasmMemory
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: object }
}

/** A linear memory; `buffer` is another object after every `grow`. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** Bytes of a page of linear memory. */
export const PAGE_BYTES = 65536

/** Pages that 32-bit addresses reach: 4 GiB. */
export const MAX_PAGES = 65536

/** A new linear memory, or undefined where there is no WebAssembly or no room. */
export function createMemory(initial: number, maximum: number = initial): WasmMemory | undefined {
  try {
    const { Memory } = api()
    return new Memory({ initial, maximum })
  } catch {
    return undefined
  }
}

/**
 * Compiles and starts a module over `memory`, synchronously.
 *
 * @param base64 the module's bytes
 * @returns its exports, or undefined where WebAssembly or its SIMD instructions are missing
 */
export function instantiate<Exports extends object>(base64: string, memory: WasmMemory): Exports | undefined {
  try {
    const { Module, Instance } = api()
    return new Instance(new Module(fromBase64(base64)), { env: { memory } }).exports as Exports
  } catch {
    return undefined
  }
}

const api = (): WebAssemblyApi => (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly
