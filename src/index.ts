export { type Adapter, type AdapterBase, applyAdapter, type TrainingFacts } from './adapters/adapter.js'
export { ADAPTER_FORMAT, decodeAdapter, encodeAdapter, loadAdapter, saveAdapter } from './adapters/file.js'
export type { BatchOptions, BatchProgress } from './batch/run-batches.js'
export type { BatchStore } from './cache/batch-store.js'
export type { EmbeddingCache } from './cache/cache.js'
export { memoryCache } from './cache/memory-cache.js'
export { openCache, type SqliteCache } from './cache/sqlite-cache.js'
export { type Conversion, type ConvertOptions, convertAdapter, readAnyAdapter } from './convert/convert-adapter.js'
export type { FormatName } from './convert/formats/index.js'
export type { DatasetIssue, LoadedDataset, QADataset } from './dataset/dataset.js'
export { checkLeaks, checkPartsForLeaks, type FindLeaksOptions, findLeaks, type Leak } from './dataset/leaks.js'
export { type ReadDatasetOptions, readDataset } from './dataset/read.js'
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
export { embedDataset } from './embed/embed-dataset.js'
export { type EmbedTextsOptions, embedTexts } from './embed/embed-texts.js'
export type { EmbeddedDataset } from './embed/embedded-dataset.js'
export { type EmbeddingEstimate, estimateEmbedding } from './embed/estimate.js'
export type { EmbedProgress, EmbedStats } from './embed/run-embedding.js'
export type { Engine } from './engines/engine.js'
export { createEngine, ENGINE_NAMES, type EngineName } from './engines/index.js'
export { AdapterTrainError, ERROR_CODES, type ErrorCode, isAdapterTrainError } from './errors.js'
export { type CompareOptions, type Comparison, compareRankings } from './evaluate/compare.js'
export type { PairDifference } from './evaluate/compare-systems.js'
export { createEvaluator, type Evaluation, type Evaluator, type Scores } from './evaluate/evaluator.js'
export { DEFAULT_METRICS } from './evaluate/metrics/index.js'
export {
  estimateGeneration,
  type GeneratedQuestion,
  type GeneratedQuestions,
  type GenerateOptions,
  generateQuestions,
} from './generate/generate-questions.js'
export type { ChatAnswer, ChatModel, ChatModelOptions, ChatRequest } from './generate/llm/chat-model.js'
export { createChatModel, LLM_NAMES, type LlmName } from './generate/llm/index.js'
export type { GenerationEstimate } from './generate/plan-requests.js'
export type { GenerationProgress, GenerationStats } from './generate/run-requests.js'
export { type Matrix, matrix } from './math/matrix.js'
export type { Candidate, NamedVectors } from './pipeline/compare-candidates.js'
export { COMPARE_METRICS } from './pipeline/compare-defaults.js'
export type { CandidateReport, CompareReport } from './pipeline/compare-report.js'
export { type LoadPartsOptions, loadParts, type Parts } from './pipeline/load-parts.js'
export { type BasePlan, estimateCompare, type PlanCompareOptions } from './pipeline/plan-compare.js'
export type { QueryTime } from './pipeline/query-time.js'
export { type RunCompareOptions, runCompare } from './pipeline/run-compare.js'
export {
  type EvaluationOptions,
  type EvaluationReport,
  type RunEvaluationOptions,
  runEvaluation,
  runEvaluationOnVectors,
} from './pipeline/run-evaluation.js'
export {
  type RunTrainingOptions,
  runTraining,
  runTrainingOnVectors,
  type TrainingOptions,
  type TrainingReport,
} from './pipeline/run-training.js'
export { createProvider, customProvider, type ProviderName, providerNames } from './providers/index.js'
export type { EmbeddingProvider, EmbedOptions, ProviderLimits, ProviderOptions, Role } from './providers/provider.js'
export { type Report, renderReport } from './report/index.js'
export { openCheckpoint, removeCheckpoint } from './train/checkpoint.js'
export { TRAIN_DEFAULTS } from './train/defaults.js'
export { type EpochResult, type TrainOptions, type TrainResult, trainAdapter } from './train/train-adapter.js'
export { readVectors } from './vectors/read-vectors.js'
export type { VectorDataset, VectorParts } from './vectors/vector-dataset.js'
export type { AdapterInput, AdaptOptions } from './wrap/adapter-source.js'
export {
  type AdapterReload,
  type AdapterWatcher,
  type WatchAdapterOptions,
  watchAdapter,
} from './wrap/watch-adapter.js'
export { type Embedder, type WrapOptions, type WrappedProvider, wrapEmbedder } from './wrap/wrap-embedder.js'
