export type { EmbeddedDataset } from '../embed/embedded-dataset.js'
export type {
  AdamWOptions,
  Anchor,
  CrossEntropyOptions,
  Engine,
  GemmOptions,
  OnlineSoftmaxOptions,
  SparseRows,
  Tensor,
} from '../engines/engine.js'
export { createEngine, ENGINE_NAMES, type EngineName, type EngineOptions } from '../engines/index.js'
export type { Rollback, Version } from '../history/versions.js'
export { listVersions, replaceAdapter, rollbackAdapter } from '../history/versions.js'
export { type Matrix, matrix } from '../math/matrix.js'
export type { RowSource, Rows } from '../math/row-source.js'
export { type Checkpoint, openCheckpoint, removeCheckpoint } from '../train/checkpoint.js'
export type { HyperParameters, OptionName, OptionRow } from '../train/options.js'
export { TRAIN_DEFAULTS, TRAINING_OPTIONS } from '../train/options.js'
export { type TrainOptions, type TrainResult, trainAdapter } from '../train/train-adapter.js'
export type { EpochResult } from '../train/trainer.js'
