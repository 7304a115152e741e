import { convertAdapter } from '../../convert/convert-adapter.js'
import type { ConvertArgs } from '../commands/convert.js'
import { createConsole } from '../output/console.js'

export async function convert({ input, output, format, dtype, baseId, kind, ...args }: ConvertArgs): Promise<void> {
  const out = createConsole(args)
  const type = dtype === undefined ? undefined : dtype === 'f16' ? 'F16' : 'F32'
  const conversion = await convertAdapter(input, output, { format, dtype: type, baseId, kind })
  const { from, to, adapter, sha256, leftOut, files, worstCosineError } = conversion
  if (leftOut) {
    const alone = leftOut.linear?.['ndcg@10']
    const figure = alone === undefined ? '' : `: ndcg@10 ${alone.toFixed(4)} alone, as it was measured in training`
    out.warn(`${input} has text terms, which no exported file can hold; what is written is the linear part${figure}`)
  }
  out.json({ from, to, kind: adapter.kind, base: adapter.base, sha256, leftOut, files, worstCosineError })
  out.result(`read     ${input} (${from}): ${adapter.kind}, ${adapter.base.dimensions} dimensions, base ${adapter.base.id}`)
  for (const { path, bytes } of files) out.result(`written  ${path} (${bytes} bytes)`)
  if (worstCosineError !== undefined)
    out.result(`rounded  worst 1 - cosine of 256 random queries ${worstCosineError.toExponential(1)}`)
}
