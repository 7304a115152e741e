/** Options of training, with the values used where none are given. Read by the library, the CLI's help and the README. */
export const TRAIN_DEFAULTS = {
  /** Adapter kind. */
  kind: 'linear',
  /** Choice of negatives. */
  negatives: 'in-batch',
  /** Passes over all (query, positive) pairs. */
  epochs: 4,
  /** Pairs in a step. */
  batchSize: 128,
  /** Largest learning rate of the schedule. */
  learningRate: 1e-3,
  /** How the learning rate falls after its rise: `linear` or `cosine`. */
  schedule: 'linear',
  /** Share of all steps in which the learning rate rises from 0. */
  warmup: 0.1,
  /** Factor of the cosine in the softmax, the inverse temperature. */
  scale: 20,
  /** Decoupled decay of the weights toward the identity map, a step moving them by learning rate x decay of the distance. */
  weightDecay: 0.01,
  /** Strength c of the pull to the identity map in the summed loss, (c / 2) |W - I|^2; 0 is none. */
  pull: 0,
  /** Largest norm of the gradient; larger ones are scaled down to it; 0 switches clipping off. */
  maxGradNorm: 1,
  /** Seed of every random choice. */
  seed: 42,
  /** Metric on the validation set by which the best epoch is chosen. */
  metric: 'ndcg@10',
  /** Epochs without a better validation metric after which training stops; 0 never stops early. */
  patience: 5,
  /** What computes: `auto` or an engine's name. */
  engine: 'auto',
} as const
