import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { explanationText } from '../../src/cli/actions/explain.js'
import { afterEmbedding, afterEvaluation, afterTraining, afterWriting } from '../../src/cli/output/next-steps.js'
import type { EmbeddedTrainingReport } from '../../src/pipeline/training.js'

const report = { kind: 'linear', bestEpoch: 20, data: { train: { queries: 50, pairs: 50, documents: 50 } } } as const
const given = { base: 'openai', baseUrl: 'http://localhost:1', cache: 'own.sqlite', train: 'my/train.json' } as never
const refused = { gate: { passed: false, kept: false } } as unknown as Pick<EmbeddedTrainingReport, 'gate'>

describe('next steps', () => {
  const argv = process.argv
  beforeEach(() => {
    process.argv = ['node', 'main', 'train', '--base', 'openai', '--kind', 'linear', '--seed=7']
  })
  afterEach(() => {
    process.argv = argv
  })

  const wordsOf = (steps: readonly (readonly [string, string])[]) => steps.map(([words]) => words)

  test('after training name no file that does not exist, and keep address and cache', () => {
    const words = wordsOf(afterTraining(given, report, { adapter: 'a.json' }))
    expect(words.slice(1)).toEqual([
      'adapter-train serve --base-url http://localhost:1 --cache own.sqlite --adapter a.json',
      'adapter-train try --base-url http://localhost:1 --cache own.sqlite --adapter a.json --data my/train.json',
    ])
  })

  test('after a run that the one in use won measure the rejected file and offer to replace', () => {
    const steps = afterTraining(
      { ...(given as object), test: 'my/test.json' } as never,
      { ...report, duel: {} as never },
      {
        adapter: 'a.json',
        rejected: 'a.rejected.json',
      },
    )
    expect(wordsOf(steps)).toEqual([
      'adapter-train evaluate --base-url http://localhost:1 --cache own.sqlite --adapter a.rejected.json --data my/test.json',
      'adapter-train train --base openai --kind linear --seed=7 --replace always',
    ])
  })

  test('after a refused run repeat the command line, each option once', () => {
    const words = wordsOf(afterTraining(given, { ...report, ...refused }, { rejected: 'a.rejected.json' }))
    expect(words).toEqual([
      expect.stringMatching(/^adapter-train generate (docs\/|FOLDER) /),
      'adapter-train train --base openai --kind linear --seed=7 --k-fold 5',
      'adapter-train train --base openai --seed=7 --kind linear-memory',
    ])
  })

  test('after embedding and evaluating name the files that were given', () => {
    const args = { base: 'openai', cache: 'cache/embeddings.sqlite' } as never as Parameters<typeof afterEvaluation>[0]
    const data = ['x/test.json', 'x/train.json']
    expect(wordsOf(afterEmbedding({ ...args, data, estimate: false }))).toEqual([
      'adapter-train train --base openai --train x/train.json --test x/test.json',
    ])
    const beir = ['x/corpus.jsonl', 'x/queries.jsonl', ...['train', 'dev', 'test'].map(part => `x/qrels/${part}.tsv`)]
    expect(wordsOf(afterWriting(beir)).at(-1)).toBe(
      'adapter-train train --base openai --train x/qrels/train.tsv --val x/qrels/dev.tsv --test x/qrels/test.tsv',
    )
    const fields = { queryParam: { input_type: 'query', n: 5, text: '5' }, documentParam: { input_type: 'passage' } }
    const more = { ...(args as object), ...fields, part: ['openai', 'sbert:m'] } as never
    expect(wordsOf(afterEmbedding({ ...(more as typeof args), data, estimate: false }))[0]).toBe(
      'adapter-train train --base openai --part openai --part sbert:m --query-param input_type=query --query-param n=5 --query-param \'text="5"\' ' +
        '--document-param input_type=passage --train x/train.json --test x/test.json',
    )
    const [[code]] = afterEvaluation({ ...(more as typeof args), adapter: 'a.json', queryPrefix: 'q: ' }, undefined, 'ndcg@10')
    expect(code).toContain(
      'createProvider(\'openai\', { queryPrefix: \'q: \', part: ["openai","sbert:m"], ' +
        'queryParams: {"input_type":"query","n":5,"text":"5"}, documentParams: {"input_type":"passage"} })',
    )
    expect(wordsOf(afterEvaluation(args, undefined, 'ndcg@10'))[0]).toMatch(/ --train (train_dataset\.json|FILE)$/)
  })
})

test('explain spends the columns of the terminal on texts: of a long id only the end is shown', () => {
  const document = {
    id: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeee42',
    text: 'word '.repeat(40),
    rank: 1,
    otherRank: 1,
    score: 0.5,
    otherScore: 0.5,
    relevant: true,
  }
  const found = { query: 'q', documents: 1, relevant: 1, base: [document], adapted: [document], missed: [] }
  for (const columns of [110, 160]) {
    const line = explanationText(found, columns)
      .split('\n')
      .find(text => text.startsWith('   1'))!
    expect(line).toContain('* …eeeeeeeee42 word')
    expect(line).not.toContain('bbbb')
    expect(line.length).toBeLessThanOrEqual(columns)
    expect(line.length).toBeGreaterThan(columns - 20)
  }
})
