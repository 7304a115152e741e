import type { IncomingMessage } from 'node:http'

/** The body of a request as text, or undefined when its sender went away before the end, as a killed program does. */
export async function requestBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of incoming) chunks.push(chunk)
  } catch (error) {
    if (incoming.destroyed) return undefined
    throw error
  }
  return Buffer.concat(chunks).toString('utf8')
}
