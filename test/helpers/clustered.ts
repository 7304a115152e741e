import type { QADataset } from '../../src/dataset/dataset.js'
import { createRandom } from '../../src/math/random.js'
import { customProvider } from '../../src/providers/custom.js'

/** Documents with vectors of length 1, labelled queries that all miss them in one direction, and the model of both. */
export function clustered({ documents = 200, queries = 90, dimensions = 16 } = {}) {
  const random = createRandom(3)
  const draw = () => Float32Array.from({ length: dimensions }, () => random.normal())
  const unit = (v: Float32Array) => v.map(value => value / Math.hypot(...v))
  const shift = draw()
  const rows = Array.from({ length: documents }, (_, i) => ({
    id: `d${i}`,
    text: `document ${i}`,
    vector: unit(draw()),
  }))
  const vectors = new Map(rows.map(({ text, vector }) => [text, vector]))
  const labels = Array.from({ length: queries }, (_, i) => {
    const answer = rows[(i * 7) % documents]
    const noise = draw()
    const query = answer.vector.map((value, j) => value + 0.25 * shift[j] + 0.12 * noise[j])
    vectors.set(`question ${i}`, unit(query))
    return { id: `q${i}`, text: `question ${i}`, answer: answer.id }
  })
  const set = (name: string, of: typeof labels): QADataset => ({
    name,
    queries: new Map(of.map(({ id, text }) => [id, text])),
    corpus: new Map(rows.map(({ id, text }) => [id, text])),
    qrels: new Map(of.map(({ id, answer }) => [id, new Map([[answer, 1]])])),
  })
  const held = Math.floor(queries / 3)
  return {
    rows,
    train: set('train', labels.slice(held)),
    test: set('test', labels.slice(0, held)),
    /** Texts that it was asked for are added to `asked`. */
    provider: (asked: string[] = []) =>
      customProvider({
        id: 'test/clustered',
        dimensions,
        limits: { maxInputs: 1000 },
        embed(texts) {
          asked.push(...texts)
          return texts.map(text => vectors.get(text)!)
        },
      }),
  }
}
