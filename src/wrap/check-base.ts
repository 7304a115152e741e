import type { Adapter } from '../adapters/adapter.js'
import { AdapterTrainError } from '../errors.js'

/**
 * Refuses an adapter in front of a model that it was not trained on, as far as the model's id and dimensions are known.
 *
 * @param allowMismatch switches the check off
 * @throws ADAPTER_MISMATCH when the id or the dimensions differ from the adapter's base
 */
export function checkBase(
  adapter: Adapter,
  model: { readonly id?: string; readonly dimensions?: number },
  allowMismatch = false,
): void {
  if (allowMismatch) return
  const expected = adapter.base
  const { id, dimensions } = model
  const wrong =
    id !== undefined && id !== expected.id
      ? `the adapter was trained on "${expected.id}", but the provider is "${id}"`
      : dimensions !== undefined && dimensions !== expected.dimensions
        ? `the adapter was trained on ${expected.dimensions} dimensions, but the provider "${id ?? 'given'}" gives ${dimensions}`
        : undefined
  if (wrong === undefined) return
  throw new AdapterTrainError(
    'ADAPTER_MISMATCH',
    `${wrong}; it would turn the vectors of another model into noise. Use the adapter's base model, or allow the mismatch ` +
      '({ allowMismatch: true } in code, --allow-mismatch on the command line) if both give the same vectors',
    { details: { expected, id, dimensions } },
  )
}
