import type { CompletionArgs } from '../commands/completion.js'
import { bashScript } from '../completion/bash.js'
import { fishScript } from '../completion/fish.js'
import type { Shell } from '../completion/shells.js'
import { type CommandWords, commandWords } from '../completion/words.js'
import { zshScript } from '../completion/zsh.js'
import { createConsole } from '../output/console.js'

const SCRIPTS: Readonly<Record<Shell, (commands: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/** Prints a completion script. */
export function completion(args: CompletionArgs): void {
  const out = createConsole(args)
  const script = SCRIPTS[args.shell](commandWords())
  if (args.json) out.json({ shell: args.shell, script })
  else out.result(script.trimEnd())
}
