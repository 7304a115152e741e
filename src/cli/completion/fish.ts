import { type CommandWords, type OptionWords, switchWords, type ValueWords } from './words.js'

/** A completion script for fish 3 and newer. */
export function fishScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  return `# fish completion for adapter-train
function __adapter_train_command
    set -l words (commandline -opc)
    set -l before ''
    for word in $words[2..-1]
        if not string match -q -- '-*' $before; or string match -q -- '*=*' $before; or contains -- $before ${switchWords(commands).join(' ')}
            if contains -- $word ${names}
                echo $word
                return
            end
        end
        set before $word
    end
end
complete -c adapter-train -f
${commands.map(({ name, describe }) => `complete -c adapter-train -n 'set -l c (__adapter_train_command); test -z "$c"' -a ${name} -d ${quoted(describe)}`).join('\n')}
${commands.map(linesOf).join('\n')}
`
}

function linesOf({ name, isDefault, options, argument }: CommandWords): string {
  const here = `set -l c (__adapter_train_command); ${isDefault ? 'test -z "$c"; or ' : ''}test "$c" = ${name}`
  const start = `complete -c adapter-train -n ${quoted(here)}`
  const argumentLine = argument === 'none' || isDefault ? [] : [`${start} ${argumentOf(argument)}`]
  return [...options.map(option => `${start} ${optionOf(option)}`), ...argumentLine].join('\n')
}

function optionOf({ words, describe, value }: OptionWords): string {
  const names = words.map(word => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`))
  return [...names, ...(value === 'none' ? [] : [offered(value)]), `-d ${quoted(describe)}`].join(' ')
}

function offered(value: ValueWords): string {
  if (value === 'file') return '-r -F'
  return typeof value === 'string' ? '-x' : `-x -a ${quoted(value.join(' '))}`
}

function argumentOf(value: ValueWords): string {
  return value === 'file' ? '-F' : `-a ${quoted([value].flat().join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
