import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'vitest'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** The browser of the environment variable CHROMIUM_PATH, or of PATH. */
export const CHROMIUM = find()

const MISSING = 'no Chromium in CHROMIUM_PATH or PATH; scripts/install-chromium.sh installs one'

/**
 * `test` where there is a browser. Where there is none the test fails if ADAPTER_TRAIN_REQUIRE_CHROMIUM is 1, and says so and is
 * skipped otherwise.
 */
export function chromiumTest(name: string, run: () => Promise<void>): void {
  if (CHROMIUM !== undefined) {
    test(name, run)
  } else if (process.env.ADAPTER_TRAIN_REQUIRE_CHROMIUM === '1') {
    test(name, () => {
      throw new Error(MISSING)
    })
  } else {
    console.warn(`SKIPPED ${name}: ${MISSING}`)
    test.skip(name, run)
  }
}

function find(): string | undefined {
  const { CHROMIUM_PATH, PATH = '' } = process.env
  const candidates = CHROMIUM_PATH
    ? [CHROMIUM_PATH]
    : PATH.split(delimiter).flatMap(folder => NAMES.map(name => join(folder, name)))
  return candidates.find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
