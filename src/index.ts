export type { Adapter, AdapterBase, AdapterIndex, TrainingFacts } from './adapters/adapter.js'
export { applyAdapter } from './adapters/adapter.js'
export { decodeAdapter, encodeAdapter, loadAdapter, saveAdapter } from './adapters/file.js'
export type { TensorType } from './adapters/stored-adapter.js'
export type { AdapterTerms, TermsCorpus, TermsFacts, TermsSource } from './adapters/terms.js'
export type { BatchLimits } from './batch-api/jobs.js'
export type { BatchOptions, BatchProgress } from './batch-api/run-batches.js'
export type { BatchScope, BatchStore, StoredBatch } from './cache/batch-store.js'
export type { CacheEntry, CompletionCache, EmbeddingCache } from './cache/cache.js'
export type {
  BadVector,
  CacheStats,
  CacheVerification,
  PruneOptions,
  PruneResult,
  SpaceStats,
} from './cache/maintenance.js'
export { memoryCache } from './cache/memory-cache.js'
export { type OpenCacheOptions, openCache, type SqliteCache } from './cache/sqlite-cache.js'
export { type Conversion, type ConvertOptions, convertAdapter } from './convert/convert-adapter.js'
export type { GivenFacts } from './convert/format.js'
export type { FormatName } from './convert/formats/index.js'
export type { DatasetIssue, LoadedDataset, QADataset } from './dataset/dataset.js'
export type { FieldNames } from './dataset/fields.js'
export { type ReadDatasetOptions, readDataset } from './dataset/read.js'
export type { RecordField } from './dataset/records.js'
export { type DatasetSplit, type PartName, type SplitDatasetOptions, splitDataset } from './dataset/split.js'
export type { LoadDocumentsOptions, LoadedDocuments, SkippedFile } from './documents/load-documents.js'
export { loadDocuments } from './documents/load-documents.js'
export type { Section, SourceDocument } from './documents/section.js'
export type { Label } from './embed/check.js'
export { type EmbedDatasetOptions, embedDataset } from './embed/embed-dataset.js'
export { type EmbedTextsOptions, embedTexts } from './embed/embed-texts.js'
export type { EmbeddedDataset, Texts, VectorParts } from './embed/embedded-dataset.js'
export { type EmbeddingEstimate, estimateEmbedding } from './embed/estimate.js'
export type { SpillOptions } from './embed/matrix-builder.js'
export type { EmbedPlanOptions } from './embed/plan-embedding.js'
export type { RetryInfo } from './embed/retry.js'
export type { EmbedProgress, EmbedRunOptions } from './embed/run-embedding.js'
export type { EmbedStats } from './embed/stats.js'
export { AdapterTrainError, type ErrorCode, type ErrorDetails, isAdapterTrainError } from './errors.js'
export type { Difference } from './evaluate/compare.js'
export type { PairDifference } from './evaluate/compare-systems.js'
export type { Change, LargestChanges } from './evaluate/largest-changes.js'
export type { PartComparison, RelevantKeys } from './evaluate/seen.js'
export { openIndex } from './indexes/index.js'
export type {
  ApproximateSearch,
  Effort,
  IndexMetric,
  IndexRow,
  RowParts,
  ScanOptions,
  SearchOptions,
  VectorIndex,
} from './indexes/vector-index.js'
export { type Matrix, matrix } from './math/matrix.js'
export type { Projection } from './math/projection.js'
export type { RowSource, Rows } from './math/row-source.js'
export type { Interval } from './math/statistics/bootstrap.js'
export type { BridgeFolders, BridgeTarget, BridgeTexts } from './pipeline/bridge-data.js'
export { bridge, cachedTarget, folderTarget, indexTarget } from './pipeline/bridge-data.js'
export type { Check, Segment } from './pipeline/checks.js'
export type { CompareCandidate, CompareRun, NamedVectors } from './pipeline/compare/candidates.js'
export type { CandidateReport, CompareReport, RunCompareOptions } from './pipeline/compare/run-compare.js'
export { runCompare } from './pipeline/compare/run-compare.js'
export type { ReplaceRule, TextTerms } from './pipeline/defaults.js'
export type { Duel } from './pipeline/duel.js'
export type {
  EmbeddedParts,
  EmbedPartsOptions,
  EmbedSession,
  PartCounts,
  QueryRows,
  TrainKeys,
} from './pipeline/embedded-parts.js'
export type { HybridComparison, HybridRow } from './pipeline/hybrid-rows.js'
export type { IndexSource } from './pipeline/index-data.js'
export type { BothFigures, IndexReport } from './pipeline/judge-index.js'
export type { MemoryReport } from './pipeline/memory-step.js'
export { type MeasuredPart, type OpenDataOptions, type OpenedData, openData } from './pipeline/open-data.js'
export type { DetailedChange, FoundDocument, Proof, ProofDetail } from './pipeline/proof.js'
export type { QueryTime } from './pipeline/query-time.js'
export type { BridgeCost, BridgeReport, BridgeResult, BridgeVerdict, RunBridgeOptions } from './pipeline/run-bridge.js'
export { type EvaluationReport, type RunEvaluationOptions, runEvaluation } from './pipeline/run-evaluation.js'
export type { RunSweepOptions, SweepLine, SweepOutcome, SweepReport } from './pipeline/run-sweep.js'
export { runSweep } from './pipeline/run-sweep.js'
export { type RunTrainingOptions, runTraining } from './pipeline/run-training.js'
export type { TermsOptions, TermsReport } from './pipeline/terms-step.js'
export type {
  Choice,
  FoldReport,
  Interruption,
  KFoldReport,
  SplitBy,
  TrainingOptions,
  TrainingPhase,
  TrainingReport,
  TrainingResult,
  TuneReport,
  WeightsReport,
} from './pipeline/training.js'
export { type ComposedProvider, type ComposeOptions, composeProviders } from './providers/compose.js'
export type { CustomEmbedder, CustomProviderOptions, EmbeddingsObject, EmbedFunction } from './providers/custom.js'
export { customProvider } from './providers/custom.js'
export { createProvider, type ProviderName, providerNames } from './providers/index.js'
export type {
  EmbeddingBatches,
  EmbeddingProvider,
  EmbedOptions,
  ProviderFacts,
  ProviderLimits,
  ProviderOptions,
  RequestParams,
  Role,
  Usage,
} from './providers/provider.js'
export { type Report, renderReport } from './report/index.js'
export type { ComparisonReport, Reproduction } from './report/report.js'
export type { Postings } from './terms/bm25.js'
export type { Feedback } from './terms/feedback.js'
export type { TermTable } from './terms/table.js'
export type { Analysis } from './terms/tokens.js'
export type { TriedFit } from './train/bridge/fit-bridge.js'
export type { GateResult } from './train/gate.js'
export type { FixedOptions } from './train/options.js'
export { fitPca } from './train/pca.js'
export type { TermsChoice, TermsGain, TermsSetting } from './train/terms/choose-terms.js'
export type { ClusterSplit } from './train/tune/cluster-split.js'
export type { SearchPoint } from './train/tune/search-point.js'
export type { SweepPlan, SweepRun } from './train/tune/sweep.js'
export type { Tried } from './train/tune/tune.js'
export type { AdapterInput, AdaptOptions } from './wrap/adapter-source.js'
export { type OpenEmbedderOptions, openEmbedder } from './wrap/open-embedder.js'
export type { BaseOptions } from './wrap/recorded-base.js'
export type { EmbeddingFunctionLike } from './wrap/shapes/embedding-function.js'
export type { EmbeddingModelLike, ModelPair } from './wrap/shapes/embedding-model.js'
export type { AdaptedOpenAI, OpenAILike } from './wrap/shapes/openai-client.js'
export type { TextEmbeddingLike } from './wrap/shapes/text-embedding.js'
export type { AdapterReload, AdapterWatcher, WatchAdapterOptions } from './wrap/watch-adapter.js'
export { watchAdapter } from './wrap/watch-adapter.js'
export type { BothEmbedder, BothVectors, Embedder, WrapOptions, WrappedProvider } from './wrap/wrap-embedder.js'
export { wrapEmbedder } from './wrap/wrap-embedder.js'
