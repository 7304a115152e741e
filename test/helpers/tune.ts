import type { EmbeddedDataset } from '../../src/embed/embedded-dataset.js'
import type { Engine } from '../../src/engines/engine.js'
import type { Rows } from '../../src/math/row-source.js'
import { createSearch, type SearchOptions } from '../../src/train/tune/search.js'
import { choose, type Tried, type TuneResult } from '../../src/train/tune/tune.js'

export interface TuneOptions extends SearchOptions {
  readonly onTried?: (tried: Tried) => void
}

/** Chooses a point on a search of its own. */
export async function tune(engine: Engine, data: EmbeddedDataset<Rows>, options: TuneOptions): Promise<TuneResult> {
  const search = await createSearch(engine, data, options)
  try {
    return await choose(search, options.onTried)
  } finally {
    await search.free()
  }
}
