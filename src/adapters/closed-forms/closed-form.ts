import type { Engine } from '../../engines/engine.js'
import type { Matrix } from '../../math/matrix.js'

/**
 * A way to fit a linear adapter at once, by minimising the squared distance of adapted queries to their targets:
 *
 *   sum over i of |W q_i - t_i|^2 + pull |W - I|^2
 */
export interface ClosedForm {
  readonly name: string
  /** One line for `--help`. */
  readonly description: string
  /** The pull where none is given; of a sum over queries and so the same for few and for many. */
  readonly defaultPull: number
  /**
   * @param Q [n, d] queries of length 1
   * @param T [n, d] targets, one a query
   * @param pull strength of the pull to the identity map, at least 0
   * @returns [d, d] W; the bias is 0
   * @throws TRAIN_DATA when pairs and pull do not determine W
   */
  fit(engine: Engine, Q: Matrix, T: Matrix, pull: number): Promise<Matrix>
}
