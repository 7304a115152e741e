import { type CommandWords, type OptionWords, switchWords, type ValueWords } from './words.js'

/** A completion script for zsh: sourced, or in a file `_adapter-train` of a folder in `$fpath`. */
export function zshScript(commands: readonly CommandWords[]): string {
  return `#compdef adapter-train
# zsh completion for adapter-train
_adapter-train() {
  local command='' word before i
  local -a options names
  local switches=' ${switchWords(commands).join(' ')} '
  names=(
${commands.map(({ name, describe }) => `    ${entry(name, describe)}`).join('\n')}
  )
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]} before=\${words[i-1]}
    if [[ $before == -* && $before != *=* && $switches != *" $before "* ]]; then continue; fi
    case $word in
      (${commands.map(({ name }) => name).join('|')}) command=$word; break ;;
    esac
  done
  local previous=\${words[CURRENT-1]}
  if [[ \${words[CURRENT]} == --*=* ]]; then
    previous=\${words[CURRENT]%%=*}
    compset -P '*='
  fi
  case $command in
${commands.map(branch).join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then _describe -o option options; fi
}
if [[ \${funcstack[1]} == _adapter-train ]]; then
  _adapter-train "$@"
else
  compdef _adapter-train adapter-train
fi
`
}

function branch({ name, isDefault, options, argument }: CommandWords): string {
  const entries = options.flatMap(({ words, describe }) => words.map(word => entry(word, describe)))
  const fallback = isDefault
    ? `if [[ -z $command && \${words[CURRENT]} != -* && ( $previous != -* || $switches == *" $previous "* ) ]]; then _describe command names; fi`
    : settle(argument, ` [[ \${words[CURRENT]} == -* ]] || `)
  return `    (${isDefault ? `${name}|''` : name})
      options=(
${entries.map(words => `        ${words}`).join('\n')}
      )
      case $previous in
${options.flatMap(valueBranch).join('\n')}
        (*) ${fallback || ':'} ;;
      esac ;;`
}

function valueBranch({ words, value }: OptionWords): string[] {
  return value === 'none' ? [] : [`        (${words.join('|')}) ${settle(value) || ':'}; return ;;`]
}

function settle(value: ValueWords, condition = ''): string {
  if (value === 'file') return `${condition}_files`
  return typeof value === 'string' ? '' : `${condition}compadd -- ${value.map(quoted).join(' ')}`
}

/** `'--out:adapter file'` */
function entry(word: string, describe: string): string {
  return quoted(`${word}:${describe.replaceAll(':', '\\:')}`)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
