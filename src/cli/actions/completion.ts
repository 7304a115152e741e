import type { CompletionArgs } from '../commands/completion.js'
import { createConsole } from '../output/console.js'

/** Stubs that ask the program what may come next: lines of a word, a tab and what it means, or `:files`. */
const SCRIPTS: Readonly<Record<CompletionArgs['shell'], string>> = {
  bash: `# bash completion for adapter-train
_adapter_train() {
  local line IFS=$'\\n' words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  for line in $("$1" completion --words "\${words[@]}" 2>/dev/null); do
    if [[ $line == :files ]]; then
      local current=\${COMP_WORDS[COMP_CWORD]}
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "\${current#=}"))
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done
}
complete -F _adapter_train adapter-train
`,
  zsh: `#compdef adapter-train
# zsh completion for adapter-train
_adapter-train() {
  local -a lines
  lines=("\${(@f)$("\${words[1]}" completion --words "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${lines[1]} == :files ]]; then
    compset -P '--*='
    _files
  elif [[ -n \${lines[1]} ]]; then
    lines=("\${(@)lines//:/\\\\:}")
    lines=("\${(@)lines/$'\\t'/:}")
    _describe adapter-train lines
  fi
}
if [[ \${funcstack[1]} == _adapter-train ]]; then
  _adapter-train "$@"
else
  compdef _adapter-train adapter-train
fi
`,
  fish: `# fish completion for adapter-train
function __adapter_train
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($typed[1] completion --words $typed[2..-1] "$current" 2>/dev/null)
    if test "$lines[1]" = ':files'
        set -l option (string match -r '^--[^=]*=' -- $current)
        for path in (__fish_complete_path (string replace -r '^--[^=]*=' '' -- $current))
            echo "$option$path"
        end
    else
        printf '%s\\n' $lines
    end
end
complete -c adapter-train -f -a '(__adapter_train)'
`,
}

export function completion(args: CompletionArgs): void {
  const out = createConsole(args)
  const script = SCRIPTS[args.shell]
  out.json({ shell: args.shell, script })
  out.result(script.trimEnd())
}
