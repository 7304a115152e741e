import { type Command, outputOptions } from '../command.js'
import { type ArgsOf, choice, flag } from '../options/rows.js'

const positionals = { shell: choice(['bash', 'zsh', 'fish'], 'shell of the script', { demandOption: true }) }

const options = {
  words: flag('with the words typed so far after it, in place of a shell: what may come next, for the scripts'),
  ...outputOptions,
}

export type CompletionArgs = ArgsOf<typeof positionals & typeof options>

const folder = '~/.local/share/bash-completion/completions'

export const completionCommand: Command = {
  form: 'completion <shell>',
  group: 'Maintain',
  describe: 'Print a completion script for bash, zsh or fish',
  positionals,
  options,
  examples: [
    [`completion bash > ${folder}/adapter-train`, 'bash with bash-completion; without: source the file in ~/.bashrc'],
    ['completion zsh > ~/.zfunc/_adapter-train', 'zsh; in ~/.zshrc: fpath+=~/.zfunc; autoload -Uz compinit; compinit'],
    ['completion fish > ~/.config/fish/completions/adapter-train.fish', 'fish'],
  ],
}
