export type { GeneratedQuestion, GeneratedQuestions, GenerateOptions } from '../generate/generate-questions.js'
export { estimateGeneration, generateQuestions } from '../generate/generate-questions.js'
export type { ChatAnswer, ChatBatches, ChatModel, ChatModelOptions, ChatRequest } from '../generate/llm/chat-model.js'
export { createChatModel, LLM_NAMES, type LlmName } from '../generate/llm/index.js'
export type { GenerationEstimate, GenerationPlanOptions } from '../generate/plan-requests.js'
export type { Dropped } from '../generate/read-questions.js'
export type {
  FailedChunk,
  GenerationProgress,
  GenerationRunOptions,
  GenerationStats,
} from '../generate/run-requests.js'
export type { ChatPrice } from '../providers/prices.js'
