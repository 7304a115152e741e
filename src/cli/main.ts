#!/usr/bin/env node
import { runCli } from './run-cli.js'

for (const stream of [process.stdout, process.stderr]) {
  // A reader that has seen enough (`| head`) is no reason to stop the work, let alone to fail.
  stream.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  })
}

process.exitCode = await runCli(process.argv.slice(2))
