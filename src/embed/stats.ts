/** Statistics of an embedding run. */
export interface EmbedStats {
  /** Texts given, duplicates included. */
  readonly texts: number
  /** Distinct texts: `hits + misses`. */
  readonly unique: number
  /** Distinct texts from the cache. */
  readonly hits: number
  /** Distinct texts embedded. */
  readonly misses: number
  /** Requests sent, retries included. */
  readonly requests: number
  readonly retries: number
  /** Tokens billed, or the provider's count if the service does not report them. */
  readonly tokens: number
}
