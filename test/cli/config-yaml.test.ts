import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMAND_OPTIONS } from '../../src/cli/commands/index.js'
import { readConfigFile } from '../../src/cli/config-file.js'
import { file, flag, integer, list, name } from '../../src/cli/options/rows.js'
import { isAdapterTrainError } from '../../src/errors.js'
import { cli, cliJson, folderWith, llamaIndex } from './cli.js'

const TABLES = {
  train: {
    epochs: integer('', { min: 1 }),
    'batch-size': integer('', { min: 1 }),
    gate: flag(''),
    model: name(''),
    styles: list(''),
    out: file('', { alias: 'o' }),
  },
  evaluate: { data: file('') },
}

const read = (path: string, content: string): unknown =>
  readConfigFile(`${folderWith({ [path]: content })}/${path}`, 'train', TABLES)

/** What is said of a file, after its path. */
function refusal(name: string, content: string): string {
  try {
    read(name, content)
  } catch (error) {
    if (!isAdapterTrainError(error, 'USAGE')) throw error
    return error.message.replace(/^--config .*?(\.\w+)(?=:)/, '$1')
  }
  throw new Error('was not refused')
}

test.each(['config.yaml', 'config.yml', 'CONFIG.YAML'])('%s is read as YAML, in either spelling of a name', name => {
  const content = '# comment\nepochs: 4 # and another\nbatchSize: 7\ngate: false\nmodel: "a: b"\nstyles: [x, y]\no: out.json\n'
  const values = { epochs: 4, 'batch-size': 7, gate: false, model: 'a: b', styles: ['x', 'y'], out: 'out.json' }
  expect(read(name, content)).toEqual(values)
  expect(read(name, `\uFEFF${content.replaceAll('\n', '\r\n')}`)).toEqual(values)
})

test.each(['', '\n', '# epochs: 4\n', '---\n'])('YAML in which nothing is set sets nothing: %j', content => {
  expect(read('c.yaml', content)).toEqual({})
})

test('anchors are what they stand for', () => {
  expect(read('c.yaml', 'epochs: &n 3\nbatch-size: *n\n')).toEqual({ epochs: 3, 'batch-size': 3 })
})

test.each<[string, string, RegExp]>([
  ['c.yaml', 'epochs: 4\nepoch: 5\n', /^\.yaml:2: unknown option "epoch" \(did you mean "epochs"\?\)$/],
  ['c.json', '{\n "epochs": 4,\n "epoch": 5\n}', /^\.json:3: unknown option "epoch" \(did you mean "epochs"\?\)$/],
  ['c.yaml', '# first\n\nepochs: four\n', /^\.yaml:3: "epochs" must be a number, found "four"$/],
  ['c.json', '{\n\n"epochs": "four"}', /^\.json:3: "epochs" must be a number, found "four"$/],
  ['c.yaml', 'gate: yes\n', /^\.yaml:1: "gate" must be true or false, found "yes"$/],
  ['c.yaml', 'model: 5\n', /^\.yaml:1: "model" must be a text, found 5$/],
  ['c.yaml', 'epochs: 1\nmodel:\n', /^\.yaml:2: "model" must be a text, found nothing$/],
  ['c.yaml', 'batch-size: 1\nbatchSize: 2\n', /^\.yaml:2: "batchSize" gives --batch-size a second time; drop one$/],
  ['c.yaml', 'epochs: 1\nepochs: 2\n', /^\.yaml:2: "epochs" gives --epochs a second time/],
  ['c.json', '{"epochs": 1,\n"epochs": 2}', /^\.json:2: "epochs" gives --epochs a second time/],
  ['c.yaml', 'data: x\n', /^\.yaml:1: "data" is an option of evaluate, not of train$/],
  ['c.yaml', 'config: x\n', /^\.yaml:1: a config file cannot name another one$/],
  ['c.yaml', '__proto__: x\n', /^\.yaml:1: unknown option "__proto__"$/],
  ['c.yaml', 'epochs: 1\nmodel: "x\n', /^\.yaml:\d: is not YAML: .+$/],
  ['c.yaml', 'epochs: 1\n\tmodel: x\n', /^\.yaml:2: is not YAML: .+$/],
  ['c.yaml', 'epochs: 1\nmodel: *nowhere\n', /^\.yaml:2: is not YAML: .+$/],
  ['c.yaml', 'model: !!js/function "x"\n', /^\.yaml:1: is not YAML: Unresolved tag/],
  ['c.yaml', 'epochs: 1\n---\nepochs: 2\n', /^\.yaml:2: is not YAML: expected one document, found several$/],
  ['c.yaml', '- epochs\n', /^\.yaml: expected YAML of the form "option: value"$/],
  ['c.yaml', 'epochs\n', /^\.yaml: expected YAML of the form "option: value"$/],
  ['c.json', '{"epochs": 1,\n}', /^\.json:2: is not JSON: .+$/],
  ['c.json', '{"epochs": 1}\nx', /^\.json:2: is not JSON: .+$/],
  ['c.json', '', /^\.json:1: is not JSON: .+$/],
  ['c.json', '[1]', /^\.json: expected a JSON object whose keys are option names$/],
])('%s %j is refused with its line', (name, content, message) => {
  expect(refusal(name, content)).toMatch(message)
})

test('train runs with a YAML file, and the command line comes first', async () => {
  const config = 'base: hashing\ndimensions: 16\ntrain: train.json # here\ntune: off\nepochs: 3\nout: a.json\n'
  // "off" is a text in YAML 1.2, as the option wants it.
  const cwd = folderWith({ 'train.json': llamaIndex(24), 'c.yaml': config, 'wrong.yaml': 'epochs: 0\n' })
  const report = await cliJson(['train', '--config', 'c.yaml', '--epochs', '2'], { cwd })
  expect(report).toMatchObject({ adapter: 'a.json', base: { dimensions: 16 }, epochs: [{ epoch: 1 }, { epoch: 2 }] })
  const { code, stderr } = await cli(['train', '--config', 'wrong.yaml'], { cwd })
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'error: --epochs must be a whole number of at least 1, found 0\n',
  })
})

test('keys that are lists or maps are refused, which would be written out level by level', () => {
  const path = join(folderWith({ 'c.yaml': `train: a.json\ngrid:\n  - ${'? '.repeat(400)}x\n` }), 'c.yaml')
  const started = process.cpuUsage()
  expect(() => readConfigFile(path, 'sweep', COMMAND_OPTIONS)).toThrow(/expected texts as keys, found a list or a map/)
  expect(process.cpuUsage(started).user).toBeLessThan(1e6)
})
