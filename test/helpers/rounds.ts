/** Rounds of a randomised test: `few`, or 20 times as many in `.ci/full`. */
export const rounds = (few: number): number => (process.env.ADAPTER_TRAIN_FULL === '1' ? 20 * few : few)
