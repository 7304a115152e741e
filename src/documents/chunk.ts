/** A piece of a document, small enough to be embedded and whole enough to be understood. */
export interface Chunk {
  /** A hash of the text: equal text has an equal id, wherever it stands. */
  readonly id: string
  readonly text: string
  /** By the tokenizer of OpenAI's embedding models (cl100k_base). */
  readonly tokens: number
  /** Where the chunk begins. */
  readonly source: {
    readonly file: string
    /** From 1. */
    readonly page?: number
    /** The headings above the text, outermost first, joined by " > ". */
    readonly heading?: string
  }
}
