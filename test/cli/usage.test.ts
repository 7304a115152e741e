import { describe, expect, test } from 'vitest'
import { cli, folderWith, llamaIndex } from './cli.js'

const CONFIG = folderWith({
  'camel.json': { batchSize: 7, 'learning-rate': 0.01, epochs: 3, dimensions: 16, cache: 'none', json: true },
  'shared.json': { base: 'hashing', data: 'd.json', epochs: 3 },
  'word.json': { epochs: 'four' },
  'text.json': { json: 'yes' },
  'number.json': { train: 5 },
  'list.json': { epochs: [4, 8] },
  'zero.json': { epochs: 0 },
  'choice.json': { splitBy: 'documents' },
  'unknown.json': { epoch: 4 },
  'twice.json': { batchSize: 4, 'batch-size': 5 },
  'nested.json': { config: 'camel.json' },
  'array.json': [1],
  'broken.json': '{"epochs": 4,',
  'd.json': llamaIndex(20),
  'e.json': llamaIndex(20),
  'sets/train_dataset.json': llamaIndex(20),
  'beir/corpus.jsonl': '{"_id": "d", "text": "a pump"}',
})

describe.concurrent('wrong usage ends with exit code 2 and one line that says what to do', () => {
  test.each<[string, RegExp]>([
    ['--epoch 4', /^unknown option --epoch \(did you mean --epochs\?\); see adapter-train --help$/],
    ['train --data d.json', /^unknown option --data \(did you mean --train\?\); see adapter-train train --help$/],
    ['--no-such thing', /^unknown option --no-such; see/],
    [
      'evaluate --data d.json --epochs 4 --dat x',
      /^unknown options --epochs, --dat \(did you mean --data\?\); see adapter-train evaluate --help$/,
    ],
    ['trian', /^unknown command "trian" \(did you mean train\?\)/],
    ['frobnicate', /^unknown command "frobnicate" \(expected one of .*train, .*evaluate, .*completion\)/],
    ['train d.json', /^unexpected argument "d\.json" \(a dataset is named by an option: --train d\.json\)/],
    ['evaluate', /^missing option --data; see adapter-train evaluate --help$/],
    ['embed', /^missing argument: expected adapter-train embed <data\.\.>$/],
    ['cache stat', /^<action> must be one of stats, verify, prune, found "stat" \(did you mean stats\?\)$/],
    [
      '--base opnai',
      /^--base must be one of openai, cohere, sbert, hashing, gemini, .*snowflake, compose, vectors, found "opnai" \(did you mean openai\?\)$/,
    ],
    ['--epochs', /^--epochs needs a value; see adapter-train --help$/],
    ['--model --quiet', /^--model needs a value/],
    ['--model=', /^--model must be a non-empty text, found ""$/],
    ['--warmup=', /^--warmup needs a number, found nothing$/],
    ['--epochs 0', /^--epochs must be a whole number of at least 1, found 0$/],
    ['--epochs abc', /^--epochs must be a whole number of at least 1, found something that is not a number$/],
    ['--epochs 1.5', /^--epochs must be a whole number of at least 1, found 1\.5$/],
    ['--lr -1', /^--learning-rate must be a number above 0, found -1$/],
    ['--val-fraction 2', /^--val-fraction must be a number of at least 0 and at most 0\.9, found 2$/],
    ['--val v.json --val-fraction 0.2', /^--val and --val-fraction cannot be combined; drop one$/],
    [
      '--base hashing --model text-embedding-3-large',
      /^--model has no effect with --base hashing; expected --base openai, cohere, sbert, gemini, .*, snowflake$/,
    ],
    ['--base openai --dtype q8 --train d.json', /^--dtype has no effect with --base openai; expected --base sbert$/],
    ['--train d.json --out d.json', /^--out d\.json would overwrite the input d\.json/],
    ['--train d.json --out new/', /^--out new\/ is a folder/],
    ['--base hashing --train d.json --corpus e.json --out e.json', /^--out e\.json would overwrite the input e\.json/],
    ['view --base hashing --data d.json --export d.json', /^--export d\.json would overwrite d\.json/],
    [
      'import sets/train_dataset.json --out sets --overwrite',
      /^--out sets would overwrite the input sets\/train_dataset\.json; name another folder$/,
    ],
    [
      'generate sets/train_dataset.json --llm none --out sets --overwrite',
      /^--out sets would overwrite the input sets\/train_dataset\.json; name another folder$/,
    ],
    [
      'import beir --out beir --format beir --overwrite',
      /^--out beir would overwrite the input beir\/corpus\.jsonl; name another folder$/,
    ],
    ...['--train d.json', '--k-fold 5', '--report r.html', '--kind low-rank', '--text-terms off', '--metric mrr@10'].map(
      (given): [string, RegExp] => [
        `train --labels none --base hashing --corpus d.json ${given}`,
        new RegExp(`^${given.split(' ')[0]} has no effect with --labels none, which trains and measures nothing; drop it$`),
      ],
    ),
    ...['--train', 'evaluate --data', 'hybrid --data'].map((command): [string, RegExp] => [
      `${command} d.json --base hashing --texts d`,
      /^--texts goes with --base vectors$/,
    ]),
    ['evaluate --base hashing --data d.json --index-effort ef_search=9', /^--index-effort is that of an index; add --index URL$/],
    [
      'embed d.json --base hashing --estimate --verify 5',
      /^--verify embeds texts again, and --estimate sends nothing; drop one$/,
    ],
    ['embed d.json --base hashing --max-difference 0.1', /^--max-difference goes with --verify$/],
    ['embed d.json --cache none', /^embed fills the cache/],
    ['--config camel.json --config zero.json', /^--config can be given once$/],
    ['cache stats --all', /^--all belongs to cache prune, not to stats$/],
    ['cache prune', /^cache prune: expected --all, or --space or --older-than-days or both$/],
  ])('adapter-train %s', async (line, message) => {
    const { code, stdout, stderr } = await cli(line.split(' '), { cwd: CONFIG })
    expect(stderr).toMatch(/^error: .+\n$/)
    expect(stderr.slice('error: '.length, -1)).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})

describe.concurrent('--config', () => {
  test('takes option names in either case, and the command line wins', async () => {
    const { code, stdout, stderr } = await cli(
      ['--config', 'camel.json', '--base', 'hashing', '--train', 'd.json', '--epochs', '2', '--tune', 'off'],
      {
        cwd: CONFIG,
      },
    )
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ base: { dimensions: 16 }, epochs: [{ epoch: 1 }, { epoch: 2 }] })
    expect(stderr).toContain('epoch 2/2')

    const inspected = await cli(['inspect', report.adapter, '--json'], { cwd: CONFIG })
    const [{ training }] = JSON.parse(inspected.stdout).files
    expect(training.options).toMatchObject({ batchSize: 7, learningRate: 0.01, epochs: 2 })
  })

  test.each<[string, number, RegExp]>([
    ['none.json', 1, /there is no such file/],
    ['broken.json', 2, /is not JSON/],
    ['array.json', 2, /expected a JSON object whose keys are option names/],
    ['unknown.json', 2, /unknown option "epoch" \(did you mean "epochs"\?\)/],
    ['twice.json', 2, /"batch-size" gives --batch-size a second time/],
    ['nested.json', 2, /cannot name another one/],
    ['shared.json', 2, /"data" is an option of .*\bevaluate\b.+, not of train/],
    ['word.json', 2, /"epochs" must be a number, found "four"/],
    ['text.json', 2, /"json" must be true or false, found "yes"/],
    ['number.json', 2, /"train" must be a text, found 5/],
    ['list.json', 2, /"epochs" must be a number, found a list of 2/],
  ])('%s is refused with its name', async (name, code, message) => {
    const result = await cli(['--config', name], { cwd: CONFIG })
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
    expect(result.stderr).toMatch(new RegExp(`^error: --config \\S*${name.replace('.', '\\.')}(:\\d+)?: .+\\n$`))
  })

  test.each<[string, RegExp]>([
    ['zero.json', /^error: --epochs must be a whole number of at least 1, found 0\n$/],
    ['choice.json', /^error: --split-by must be one of query, document, time, found "documents"/],
  ])('the values of %s are checked like those of the command line', async (name, message) => {
    const { code, stderr } = await cli(['--config', name], { cwd: CONFIG })
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
})

describe.concurrent('--json', () => {
  test.each([
    ['before the command', ['--json', 'evaluate', '--data', 'none.json'], 1, 'FILE_NOT_FOUND'],
    ['after a wrong option', ['--epoch', '4', '--json'], 2, 'USAGE'],
    ['with a missing configuration file', ['--config', 'none.json', '--json'], 1, 'FILE_NOT_FOUND'],
    ['in the configuration file', ['--config', 'camel.json'], 1, 'FILE_NOT_FOUND'],
  ])('%s puts one object with the error on stdout', async (_, args, code, errorCode) => {
    const result = await cli(args, { cwd: CONFIG })
    const { error, ...rest } = JSON.parse(result.stdout)
    expect(rest).toEqual({})
    expect(error).toEqual({ code: errorCode, message: expect.any(String) })
    expect(result).toMatchObject({ code, stderr: `error: ${error.message}\n` })
  })
})

test.concurrent('of an option given twice the last counts', async () => {
  const args = ['--train', 'none.json', '--train', 'd.json', '--epochs', '0', '--epochs', '1', '--engine', 'js', '--tune', 'off']
  const { code, stdout } = await cli([...args, '--base', 'openai', '--base', 'hashing', '--json', '--json'], {
    cwd: CONFIG,
  })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    data: { train: { queries: expect.any(Number) } },
    base: { id: expect.stringMatching(/^hashing/) },
    epochs: [{ epoch: 1 }],
  })
})

test.concurrent.each([
  [
    ['--help'],
    /^Usage: adapter-train \[command\] \[options\]\n[\s\S]*\ntrain is the default command; all its options: adapter-train train --help\n/,
  ],
  [
    ['train', '--help'],
    /^Usage: adapter-train train \[options\]\n[\s\S]*--epochs N +passes over the training pairs \(default: 20,/,
  ],
  [['help', 'evaluate'], /^Usage: adapter-train evaluate \[options\]\n[\s\S]*--data FILE +dataset to evaluate on\n/],
  [['-h', 'evaluate'], /^Usage: adapter-train evaluate \[options\]\n[\s\S]*--allow-mismatch/],
  [['embed', '--help'], /^Usage: adapter-train embed <data\.\.> \[options\]\n[\s\S]*--estimate/],
  [['inspect', '--help'], /^Usage: adapter-train inspect <files\.\.> \[options\]\n/],
  [['cache', '--help'], /^Usage: adapter-train cache <action> \[options\]\n[\s\S]*--repair/],
  [['--version'], /^\d+\.\d+\.\d+\n$/],
])('%j answers on stdout with exit code 0', async (args, text) => {
  const result = await cli(args, { cwd: CONFIG })
  expect(result).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(text) })
})
