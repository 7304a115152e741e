#!/usr/bin/env node
import { runCli } from './run-cli.js'

for (const stream of [process.stdout, process.stderr]) {
  // A reader that stops early (`| head`) neither ends the work nor is an error.
  stream.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  })
}

process.exitCode = await runCli(process.argv.slice(2))
