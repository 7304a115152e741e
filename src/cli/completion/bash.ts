import { type CommandWords, type OptionWords, switchWords, type ValueWords } from './words.js'

/** A completion script for bash 3.2 and newer; needs nothing else. */
export function bashScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name)
  return `# bash completion for adapter-train
_adapter_train() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command='' word before i
  local choices='' files='' switches=' ${switchWords(commands).join(' ')} '
  # bash may break --option=value into three words.
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $previous == '=' ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]} before=\${COMP_WORDS[i-1]}
    if [[ $before == '=' ]]; then continue; fi
    if [[ $before == -* && $before != *=* && $switches != *" $before "* ]]; then continue; fi
    case $word in
      ${names.join(' | ')}) command=$word; break ;;
    esac
  done
  case $command in
${commands.map(branch).join('\n')}
  esac
  if [[ -n $choices ]]; then
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
  elif [[ -n $files ]]; then
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -F _adapter_train adapter-train
`

  function branch({ name, isDefault, options, argument }: CommandWords): string {
    const all = options.flatMap(({ words }) => words).join(' ')
    // Before any option the default command may still become another one.
    const fallback = isDefault
      ? `[[ -n $command || ( $previous == -* && $switches != *" $previous "* ) ]] || choices='${names.join(' ')}'`
      : settle(argument)
    return `    ${isDefault ? `${name} | ''` : name})
      if [[ $current == -* ]]; then
        choices='${all}'
      else
        case $previous in
${valueBranches(options)}
          *) ${fallback || ':'} ;;
        esac
      fi ;;`
  }
}

/** One branch for all options with the same values. */
function valueBranches(options: readonly OptionWords[]): string {
  const byValue = new Map<string, string[]>()
  for (const { words, value } of options) {
    if (value === 'none') continue
    const offer = settle(value) || ':'
    byValue.set(offer, [...(byValue.get(offer) ?? []), ...words])
  }
  return Array.from(byValue, ([offer, words]) => `          ${words.join(' | ')}) ${offer} ;;`).join('\n')
}

/** What to offer, as an assignment. */
function settle(value: ValueWords): string {
  if (value === 'file') return 'files=1'
  return typeof value === 'string' ? '' : `choices='${value.join(' ')}'`
}
