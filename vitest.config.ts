import { defineConfig } from 'vitest/config'

/** Rooms whose tests leave nothing behind in the modules that they load, which are then loaded once for all their files. */
const UNITS =
  'adapters,cache,convert,dataset,documents,embed,engines,evaluate,generate,history,losses,math,pipeline,terms,train,vectors,wrap'

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most tests wait for a process that they have started.
    maxWorkers: 2,
    reporters: ['default', './test/helpers/summary-reporter.ts'],
    projects: [
      { extends: true, test: { name: 'units', include: [`test/{${UNITS}}/**/*.test.ts`], isolate: false } },
      { extends: true, test: { name: 'programs', include: ['test/**/*.test.ts'], exclude: [`test/{${UNITS}}/**`] } },
    ],
  },
})
