import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startFakeBatchApi } from '../helpers/fake-batch-api.js'
import { startFakeChat, startFakeCohereChat } from '../helpers/fake-chat.js'
import { startFakeCohere } from '../helpers/fake-cohere.js'
import { startFakeOpenAI } from '../helpers/fake-openai.js'

/** Length of the vectors of every fake service. */
export const DIMENSIONS = 64

export interface FakeServices {
  /** `http://127.0.0.1:<port>`, without a path. */
  readonly url: string
  close(): Promise<void>
}

/** Two questions of words of the passage, so that they can be told from those of other passages. */
function questions(prompt: string): string {
  const passage = /<passage>([\s\S]*)<\/passage>/.exec(prompt)?.[1] ?? prompt
  const words = [...new Set(passage.match(/\p{L}{5,}/gu) ?? [])].sort((a, b) => b.length - a.length)
  const of = (from: number) => words.slice(from, from + 3).reverse()
  return JSON.stringify({ questions: [`what is ${of(0).join(' or ')}`, `how do ${of(3).join(' and ')} work`] })
}

/** OpenAI (embeddings, chat, batches) and Cohere (embeddings, chat) at one address. */
export async function startFakeServices(): Promise<FakeServices> {
  const batches = await startFakeBatchApi({ dimensions: DIMENSIONS, say: questions })
  const openaiChat = await startFakeChat({ say: questions })
  const services = {
    '/v1/embeddings': await startFakeOpenAI({ dimensions: DIMENSIONS }),
    '/v1/chat/completions': openaiChat,
    '/v1/files': batches,
    '/v1/batches': batches,
    '/v2/embed': await startFakeCohere({ dimensions: DIMENSIONS }),
    '/v2/chat': await startFakeCohereChat({ say: questions }),
  }
  const server = createServer((incoming, response) => {
    const { method, url = '', headers } = incoming
    const service = Object.entries(services).find(([path]) => url.startsWith(path))?.[1] ?? openaiChat
    const passed = request(new URL(url, service.url), { method, headers }, answer => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await Promise.all(Object.values(services).map(service => service.close()))
    },
  }
}
