import { type Command, defineOptions, type OutputArgs, outputOptions } from '../command.js'
import { SHELLS, type Shell } from '../completion/shells.js'

export interface CompletionArgs extends OutputArgs {
  readonly shell: Shell
}

const folder = '~/.local/share/bash-completion/completions'

/** `adapter-train completion` */
export const completionCommand: Command<CompletionArgs> = {
  form: 'completion <shell>',
  group: 'Look after',
  describe: 'print a completion script for a shell: commands, options, their values, and files',
  positionals: { shell: { choices: SHELLS, demandOption: true, describe: 'the shell' } },
  options: defineOptions(outputOptions),
  examples: [
    [`completion bash > ${folder}/adapter-train`, 'bash with bash-completion; without: source the file in ~/.bashrc'],
    ['completion zsh > ~/.zfunc/_adapter-train', 'zsh; in ~/.zshrc: fpath+=~/.zfunc; autoload -Uz compinit; compinit'],
    ['completion fish > ~/.config/fish/completions/adapter-train.fish', 'fish'],
  ],
  async run(args) {
    const { completion } = await import('../actions/completion.js')
    completion(args)
    return undefined
  },
}
