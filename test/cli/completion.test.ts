import { execFile } from 'node:child_process'
import { chmodSync, existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.js'
import { completeWords } from '../../src/cli/complete-words.js'
import { COMMON_OPTIONS } from '../../src/cli/help.js'
import { providerNames } from '../../src/providers/index.js'
import { cli, folderWith, MAIN } from './cli.js'

const run = promisify(execFile)
const names = Object.keys(COMMANDS)
const cwd = folderWith({ 'train.json': '{}', 'two words.json': '{}', 'data/test.json': '{}', 'completion.bash': '' })
/** The command, as the stubs call it. */
const BIN = folderWith({ 'adapter-train': `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n` })
chmodSync(`${BIN}/adapter-train`, 0o755)
const env = { ...process.env, PATH: `${BIN}:${process.env.PATH}` }
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
_adapter_train adapter-train
printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = await run('bash', ['--norc', '-uc', lines], { cwd, env })
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
      [...providerNames, 'vectors'],
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
})

describe('the words that may come next', () => {
  /** Those offered, without what they mean. */
  const offered = (...typed: string[]): string[] => completeWords(typed).map(line => line.split('\t')[0])

  test.each(names)('after %s are its options, every one and no other', name => {
    const known = { ...COMMANDS[name].options, ...COMMON_OPTIONS }
    const long = offered(name, '--').map(word => word.replace(/^--(no-)?/, ''))
    expect(new Set(long)).toEqual(new Set([...Object.keys(known), ...(known['learning-rate'] ? ['lr'] : [])]))
    for (const line of completeWords([name, '-'])) expect(line).toMatch(/^--?[a-z-]+\t\S/)
  })

  test('are the values of an option, in one word with it or after it', () => {
    expect(offered('train', '--tune=')).toEqual(['--tune=auto', '--tune=off'])
    expect(offered('train', '--tune=o')).toEqual(['--tune=off'])
    expect(offered('train', '--tune', 'o')).toEqual(['off'])
    expect(offered('train', '--train=tr')).toEqual([':files'])
    expect(offered('train', '--seed', '4')).toEqual([])
  })

  test('are files for every option that takes a file or a folder, and for a model or a projection, which may be one', () => {
    for (const [option, { placeholder, type }] of Object.entries(COMMANDS.train.options)) {
      const takesFile = placeholder === 'FILE' || placeholder === 'DIR' || ['model', 'pca'].includes(option)
      if (type !== 'boolean') expect(offered('train', `--${option}`, '').includes(':files'), option).toBe(takesFile)
    }
  })
})

describe('the scripts of other shells', () => {
  test.each(['zsh', 'fish'])('%s accepts its own, if it is installed', async shell => {
    const { stdout } = await cli(['completion', shell], { cwd })
    expect(stdout).toContain('completion --words')
    const found = ['/bin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].map(folder => `${folder}/${shell}`)
    const path = found.find(existsSync)
    if (path) expect((await run(path, ['-n', `${folderWith({ script: stdout })}/script`])).stderr).toBe('')
  })

  test('fish offers what the program says, if it is installed', async () => {
    if (!existsSync('/usr/bin/fish')) return
    const { stdout: script } = await cli(['completion', 'fish'], { cwd })
    const offers = async (line: string) => {
      const { stdout } = await run('fish', ['-c', `${script}\ncomplete -C '${line}'`], { cwd, env })
      return stdout
        .split('\n')
        .filter(text => text !== '')
        .map(text => text.split('\t')[0])
    }
    expect(await offers('adapter-train ev')).toEqual(['evaluate'])
    expect(await offers('adapter-train train --tune=')).toEqual(['--tune=auto', '--tune=off'])
    expect(await offers('adapter-train --train tr')).toEqual(['train.json'])
  })
})

test.concurrent('an unknown shell is refused with the nearest', async () => {
  const { code, stderr } = await cli(['completion', 'bsh'], { cwd })
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'error: <shell> must be one of bash, zsh, fish, found "bsh" (did you mean bash?)\n',
  })
})
