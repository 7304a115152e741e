/** Work of each command, loaded when it is run. */
export const ACTIONS: Readonly<Record<string, () => Promise<Action>>> = {
  init: async () => (await import('./init.js')).init,
  train: async () => (await import('./train.js')).train,
  bridge: async () => (await import('./bridge.js')).bridge,
  refresh: async () => (await import('./refresh.js')).refresh,
  evaluate: async () => (await import('./evaluate.js')).evaluate,
  compare: async () => (await import('./compare.js')).compare,
  hybrid: async () => (await import('./hybrid.js')).hybrid,
  explain: async () => (await import('./explain.js')).explain,
  try: async () => (await import('./explain.js')).explain,
  view: async () => (await import('./view.js')).view,
  sweep: async () => (await import('./sweep.js')).sweep,
  embed: async () => (await import('./embed.js')).embed,
  generate: async () => (await import('./generate.js')).generate,
  import: async () => (await import('./import.js')).importData,
  label: async () => (await import('./label.js')).label,
  inspect: async () => (await import('./inspect.js')).inspect,
  history: async () => (await import('./history.js')).history,
  rollback: async () => (await import('./history.js')).rollback,
  drift: async () => (await import('./drift.js')).drift,
  convert: async () => (await import('./convert.js')).convert,
  serve: async () => (await import('./serve.js')).serve,
  cache: async () => (await import('./cache.js')).cache,
  doctor: async () => (await import('./doctor.js')).doctor,
  completion: async () => (await import('./completion.js')).completion,
}

/** Takes what a table of options yields. Returns the exit code; nothing means 0. */
type Action = (args: never) => Promise<number | undefined> | Promise<void> | void
