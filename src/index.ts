export { type Adapter, type AdapterBase, applyAdapter, type TrainingFacts } from './adapters/adapter.js'
export { ADAPTER_FORMAT, decodeAdapter, encodeAdapter, loadAdapter, saveAdapter } from './adapters/file.js'
export type { TensorType } from './adapters/stored-adapter.js'
export type { BatchOptions, BatchProgress } from './batch/run-batches.js'
export type { BatchLimits } from './batch/split-batches.js'
export type { BatchScope, BatchStore, StoredBatch } from './cache/batch-store.js'
export type { CompletionCache, EmbeddingCache } from './cache/cache.js'
export type {
  BadVector,
  CacheStats,
  CacheVerification,
  PruneOptions,
  PruneResult,
  SpaceStats,
} from './cache/maintenance.js'
export { memoryCache } from './cache/memory-cache.js'
export type { OpenCacheOptions } from './cache/sqlite-cache.js'
export { openCache, type SqliteCache } from './cache/sqlite-cache.js'
export { type Conversion, type ConvertOptions, convertAdapter, readAnyAdapter } from './convert/convert-adapter.js'
export type { GivenFacts } from './convert/format.js'
export type { FormatName } from './convert/formats/index.js'
export type { DatasetIssue, LoadedDataset, QADataset } from './dataset/dataset.js'
export type { FieldNames } from './dataset/fields.js'
export { checkLeaks, checkPartsForLeaks, type FindLeaksOptions, findLeaks, type Leak } from './dataset/leaks.js'
export { type ReadDatasetOptions, readDataset } from './dataset/read.js'
export type { RecordField } from './dataset/records.js'
export { type DatasetSplit, type SplitDatasetOptions, splitDataset } from './dataset/split.js'
export { type DisjointSplit, type SplitDisjointOptions, splitDisjoint } from './dataset/split-disjoint.js'
export { writeLlamaIndex } from './dataset/write.js'
export { type WritePartsOptions, type WrittenParts, writeParts } from './dataset/write-parts.js'
export type { Chunk } from './documents/chunk.js'
export { chunkDocument, chunkDocuments, chunkText } from './documents/chunk-documents.js'
export { CHUNK_DEFAULTS, type ChunkOptions } from './documents/chunk-options.js'
export {
  type LoadDocumentsOptions,
  type LoadedDocuments,
  loadDocuments,
  type SkippedFile,
} from './documents/load-documents.js'
export type { Section, SourceDocument } from './documents/section.js'
export type { Label } from './embed/check-texts.js'
export type { EmbedDatasetOptions } from './embed/embed-dataset.js'
export { embedDataset } from './embed/embed-dataset.js'
export { type EmbedTextsOptions, embedTexts } from './embed/embed-texts.js'
export type { EmbeddedDataset } from './embed/embedded-dataset.js'
export { type EmbeddingEstimate, estimateEmbedding } from './embed/estimate.js'
export type { SpillOptions } from './embed/matrix-builder.js'
export type { PlanOptions } from './embed/plan-embedding.js'
export type { RetryInfo } from './embed/retry.js'
export type { EmbedProgress, EmbedStats, RunOptions } from './embed/run-embedding.js'
export type {
  AdamWOptions,
  Anchor,
  CrossEntropyOptions,
  Engine,
  GemmOptions,
  OnlineSoftmaxOptions,
  SparseRows,
  Tensor,
} from './engines/engine.js'
export type { EngineOptions } from './engines/index.js'
export { createEngine, ENGINE_NAMES, type EngineName } from './engines/index.js'
export type { ErrorDetails } from './errors.js'
export { AdapterTrainError, ERROR_CODES, type ErrorCode, isAdapterTrainError } from './errors.js'
export type { Difference } from './evaluate/compare.js'
export { type CompareOptions, type Comparison, compareRankings } from './evaluate/compare.js'
export type { PartComparison } from './evaluate/compare-seen.js'
export type { PairDifference } from './evaluate/compare-systems.js'
export { createEvaluator, type Evaluation, type Evaluator, type Scores } from './evaluate/evaluator.js'
export type { Change, LargestChanges } from './evaluate/largest-changes.js'
export { DEFAULT_METRICS } from './evaluate/metrics/index.js'
export type { SampledScores } from './evaluate/sample-scores.js'
export {
  estimateGeneration,
  type GeneratedQuestion,
  type GeneratedQuestions,
  type GenerateOptions,
  generateQuestions,
} from './generate/generate-questions.js'
export type { ChatAnswer, ChatBatches, ChatModel, ChatModelOptions, ChatRequest } from './generate/llm/chat-model.js'
export { createChatModel, LLM_NAMES, type LlmName } from './generate/llm/index.js'
export type { GenerationEstimate } from './generate/plan-requests.js'
export type { Dropped } from './generate/read-questions.js'
export type { FailedChunk, GenerationProgress, GenerationStats } from './generate/run-requests.js'
export { type Matrix, matrix } from './math/matrix.js'
export type { RowSource, Rows } from './math/row-source.js'
export type { Interval } from './math/statistics/bootstrap.js'
export type { SplitBy } from './pipeline/assign-k-folds.js'
export type { Choice } from './pipeline/choose-options.js'
export type { Candidate, NamedVectors } from './pipeline/compare/candidates.js'
export type { CandidateReport, CompareReport } from './pipeline/compare/compare-report.js'
export { COMPARE_METRICS } from './pipeline/compare/defaults.js'
export { type BasePlan, estimateCompare, type PlanCompareOptions } from './pipeline/compare/plan-compare.js'
export type { QueryTime } from './pipeline/compare/query-time.js'
export { type RunCompareOptions, runCompare } from './pipeline/compare/run-compare.js'
export type { PartCounts } from './pipeline/embedded-parts.js'
export type { Interruption } from './pipeline/interrupted-run.js'
export type { LoadedParts } from './pipeline/load-parts.js'
export { type LoadPartsOptions, loadParts, type Parts } from './pipeline/load-parts.js'
export type { MemoryReport } from './pipeline/memory-step.js'
export type { Proof } from './pipeline/proof.js'
export type { DetailedChange, FoundDocument, ProofDetail } from './pipeline/proof-detail.js'
export {
  type EvaluationOptions,
  type EvaluationReport,
  type RunEvaluationOptions,
  runEvaluation,
  runEvaluationOnVectors,
} from './pipeline/run-evaluation.js'
export type { SweepLine } from './pipeline/run-sweep.js'
export type { TrainingResult } from './pipeline/run-training.js'
export {
  type RunTrainingOptions,
  runTraining,
  runTrainingOnVectors,
  type TrainingOptions,
  type TrainingReport,
} from './pipeline/run-training.js'
export type { FoldReport, KFoldOptions, KFoldReport } from './pipeline/train-in-folds.js'
export type { TrainingPhase } from './pipeline/train-on-embedded.js'
export type { TuneReport } from './pipeline/tune-report.js'
export type { ChatPrice } from './providers/chat-prices.js'
export type { CustomEmbedder, CustomProviderOptions, EmbeddingsObject, EmbedFunction } from './providers/custom.js'
export { createProvider, customProvider, type ProviderName, providerNames } from './providers/index.js'
export type {
  EmbeddingBatches,
  EmbeddingProvider,
  EmbedOptions,
  ProviderLimits,
  ProviderOptions,
  Role,
  Usage,
} from './providers/provider.js'
export type { ComparisonReport } from './report/comparison/comparison.js'
export { type Report, renderReport } from './report/index.js'
export type { Reproduction } from './report/report.js'
export type { Checkpoint } from './train/checkpoint.js'
export { openCheckpoint, removeCheckpoint } from './train/checkpoint.js'
export { TRAIN_DEFAULTS } from './train/defaults.js'
export type { GateResult } from './train/gate.js'
export { type EpochResult, type TrainOptions, type TrainResult, trainAdapter } from './train/train-adapter.js'
export type { FixedOptions } from './train/tune/candidate.js'
export type { ClusterSplit } from './train/tune/cluster-split.js'
export type { SweepPlan } from './train/tune/sweep.js'
export type { Tried } from './train/tune/tune.js'
export type { ReadVectorsOptions } from './vectors/read-vectors.js'
export { readVectors } from './vectors/read-vectors.js'
export type { VectorDataset, VectorParts } from './vectors/vector-dataset.js'
export type { AdapterInput, AdaptOptions } from './wrap/adapter-source.js'
export type { EmbeddingFunctionLike } from './wrap/shapes/embedding-function.js'
export type { EmbeddingModelLike, ModelPair } from './wrap/shapes/embedding-model.js'
export type { AdaptedOpenAI, OpenAILike } from './wrap/shapes/openai-client.js'
export type { TextEmbeddingLike } from './wrap/shapes/text-embedding.js'
export {
  type AdapterReload,
  type AdapterWatcher,
  type WatchAdapterOptions,
  watchAdapter,
} from './wrap/watch-adapter.js'
export { type Embedder, type WrapOptions, type WrappedProvider, wrapEmbedder } from './wrap/wrap-embedder.js'
