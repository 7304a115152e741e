import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.js'
import { bashScript } from '../../src/cli/completion/bash.js'
import { fishScript } from '../../src/cli/completion/fish.js'
import { commandWords, PATH_OPTIONS } from '../../src/cli/completion/words.js'
import { zshScript } from '../../src/cli/completion/zsh.js'
import { cli, folderWith } from './cli.js'

const run = promisify(execFile)
const names = Object.keys(COMMANDS)
const cwd = folderWith({ 'train.json': '{}', 'two words.json': '{}', 'data/test.json': '{}', 'completion.bash': '' })
const hasBash = existsSync('/bin/bash') || existsSync('/usr/bin/bash')

describe.skipIf(!hasBash).concurrent('in bash', () => {
  let script = ''
  beforeAll(async () => {
    script = (await cli(['completion', 'bash'], { cwd })).stdout
  })

  /** What is offered for the last of some words, which bash has split already. */
  async function offered(...words: string[]): Promise<string[]> {
    const list = ['adapter-train', ...words].map(word => `'${word}'`).join(' ')
    const lines = `${script}
COMP_WORDS=(${list}); COMP_CWORD=${words.length}
_adapter_train
printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = await run('bash', ['--norc', '-uc', lines], { cwd })
    expect(stderr).toBe('')
    return stdout.split('\n').filter(line => line !== '')
  }

  test('the script is valid and is attached to the command', async () => {
    const { stdout } = await run('bash', ['--norc', '-c', `${script}\ncomplete -p adapter-train`])
    expect(stdout).toBe('complete -F _adapter_train adapter-train\n')
  })

  test.each<[string[], string[]]>([
    [[''], names],
    [['ev'], ['evaluate']],
    [['--json', 'ev'], ['evaluate']],
    [['evaluate', '--adapt'], ['--adapter']],
    [['--epo'], ['--epochs']],
    [['--base', 'opena'], ['openai']],
    [['--base', '=', 'opena'], ['openai']],
    [
      ['--base', '='],
      ['openai', 'cohere', 'sbert', 'hashing', 'vectors'],
    ],
    [['train', '--kind', 'low'], ['low-rank']],
    [['--no-g'], ['--no-gate']],
    [['evaluate', '--no-g'], []],
    [['sweep', '--no-ga'], ['--no-gate']],
    [['--train', 'tr'], ['train.json']],
    [['--train', 'two'], ['two words.json']],
    [['--train', '=', 'tr'], ['train.json']],
    [['-o', 'tr'], ['train.json']],
    [['embed', 'tr'], ['train.json']],
    [['embed', 'train.json', 'da'], ['data']],
    [['cache', 'v'], ['verify']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['--model', 'evaluate', '--adapter', ''], []],
    [['train', '--seed', ''], []],
    [['train', '--query-prefix', 'tr'], []],
    [['--base-id', '=', 'cache', '--epo'], ['--epochs']],
    [['frobnicate', '--epo'], ['--epochs']],
  ])('after %j it offers %j', async (words, expected) => {
    expect((await offered(...words)).sort()).toEqual([...expected].sort())
  })

  test('every option of every command is offered, and no other', async () => {
    const [known] = [commandWords()]
    for (const { name, options } of known.slice(0, 4)) {
      const words = options.flatMap(option => option.words)
      expect(new Set(await offered(name, '-'))).toEqual(new Set(words))
    }
  })
})

describe('every shell', () => {
  const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript }

  test.each(Object.entries(scripts))('the script for %s has every command, option and choice', (shell, script) => {
    const text = script(commandWords())
    for (const { name, options } of commandWords()) {
      expect(text).toMatch(new RegExp(`\\b${name}\\b`))
      for (const { words, value } of options) {
        for (const word of words) expect(text).toContain(shell === 'fish' ? word.replace(/^--?/, '') : word)
        for (const choice of Array.isArray(value) ? value : []) expect(text).toContain(choice)
      }
    }
  })

  test.each([
    ['zsh', ['-n'], zshScript],
    ['fish', ['-n'], fishScript],
  ] as const)('%s accepts its script, where it is installed', async (shell, flags, script) => {
    const found = ['/bin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].map(folder => `${folder}/${shell}`)
    const path = found.find(existsSync)
    const folder = folderWith({ script: script(commandWords()) })
    if (path) expect((await run(path, [...flags, `${folder}/script`])).stderr).toBe('')
    // Quotes come in pairs in every line that is not a comment, where there is none that is escaped.
    for (const line of script(commandWords()).split('\n')) {
      if (!line.startsWith('#')) expect(line.replace(/'\\''|\\'/g, '').split("'").length % 2).toBe(1)
    }
  })

  test('every option whose value is a file or a folder completes files, and each of them exists', () => {
    const tables = Object.values(COMMANDS).map(({ options }) => options)
    const all = tables.flatMap(table => Object.entries(table))
    for (const name of PATH_OPTIONS) expect([...all.map(([known]) => known), 'config']).toContain(name)
    const paths = all.filter(
      ([, { type, choices, describe = '' }]) =>
        type === 'string' && !choices && /^((SQLite|YAML or JSON|JSON|adapter) )?(file|folder)\b/.test(describe),
    )
    expect(paths.length).toBeGreaterThan(5)
    for (const [name] of paths) expect(PATH_OPTIONS).toContain(name)
  })
})

test.concurrent('an unknown shell is refused with the nearest', async () => {
  const { code, stderr } = await cli(['completion', 'bsh'], { cwd })
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'error: <shell> must be one of bash, zsh, fish, found "bsh" (did you mean bash?)\n',
  })
})
