import { convertAdapter } from '../../convert/convert-adapter.js'
import type { ConvertArgs } from '../commands/convert.js'
import { createConsole } from '../output/console.js'

/** Converts an adapter, and says what was read and written. */
export async function convert({ input, output, format, dtype, baseId, kind, ...args }: ConvertArgs): Promise<void> {
  const out = createConsole(args)
  const conversion = await convertAdapter(input, output, {
    format,
    dtype: dtype === undefined ? undefined : dtype === 'f16' ? 'F16' : 'F32',
    baseId,
    kind,
  })
  const { from, to, adapter, sha256, files, worstCosineError } = conversion
  if (args.json) {
    out.json({ from, to, kind: adapter.kind, base: adapter.base, sha256, files, worstCosineError })
    return
  }
  out.result(
    `read     ${input} (${from}): ${adapter.kind}, ${adapter.base.dimensions} dimensions, base ${adapter.base.id}`,
  )
  for (const { path, bytes } of files) out.result(`written  ${path} (${bytes} bytes)`)
  if (worstCosineError !== undefined) {
    out.result(`rounded  worst 1 - cosine of 256 random queries ${worstCosineError.toExponential(1)}`)
  }
}
