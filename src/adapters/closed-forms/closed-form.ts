import type { Engine } from '../../engines/engine.js'
import type { Matrix } from '../../math/matrix.js'

/**
 * A direct fit of a linear adapter, which minimises the squared distance of adapted queries to their targets:
 *
 *   sum over i of |W q_i - t_i|^2 + pull |W - I|^2
 */
export interface ClosedForm {
  readonly name: string
  /** One line for `--help`. */
  readonly description: string
  /** Default regularisation strength; as it weighs against a sum over queries, it suits few and many. */
  readonly defaultPull: number
  /**
   * Fits W [d, d], with a bias of 0, to queries Q [n, d] of unit length and their targets T [n, d].
   * @param pull regularisation strength c toward the identity, at least 0
   */
  fit(engine: Engine, Q: Matrix, T: Matrix, pull: number): Promise<Matrix>
}
