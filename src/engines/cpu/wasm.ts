import { fromBase64 } from '../../math/bytes.js'

/** The part of the WebAssembly API used here, which TypeScript only knows with the DOM. */
interface WebAssemblyApi {
  Memory: new (limits: { initial: number; maximum?: number }) => WasmMemory
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: object }
}

/** A linear memory; `buffer` is another object after every `grow`. */
export type WasmMemory = { readonly buffer: ArrayBuffer; grow(pages: number): number }

export const PAGE_BYTES = 65536
/** Pages that 32-bit addresses reach: 4 GiB. */
export const MAX_PAGES = 65536

/** Index of the next multiple of 16 float32 values: a cache line. */
export const align = (count: number): number => Math.ceil(count / 16) * 16

/** Makes a linear memory; undefined without WebAssembly or room. */
export function createMemory(initial: number, maximum: number = initial): WasmMemory | undefined {
  try {
    const { Memory } = api()
    return new Memory({ initial, maximum })
  } catch {
    return undefined
  }
}

/** Compiles and starts a module over `memory`, synchronously. Returns its exports; undefined without WebAssembly SIMD. */
export function instantiate<Exports extends object>(base64: string, memory: WasmMemory): Exports | undefined {
  try {
    const { Module, Instance } = api()
    return new Instance(new Module(fromBase64(base64)), { env: { memory } }).exports as Exports
  } catch {
    return undefined
  }
}

const api = (): WebAssemblyApi => (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly
