import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most tests wait for a process that they have started.
    maxWorkers: 2,
    // Loading the sources again for every file takes longer than most tests; no test leaves anything behind in them.
    isolate: false,
    reporters: ['default', './test/helpers/summary-reporter.ts'],
  },
})
