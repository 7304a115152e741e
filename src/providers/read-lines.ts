/** Calls `onLine` for every line of a UTF-8 stream that is not blank; the last may lack its end. */
export async function readLines(body: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  // Pieces of one line are joined once: an answer with many vectors arrives in hundreds of them.
  let pieces: string[] = []
  const end = (): void => {
    const line = pieces.join('').trim()
    pieces = []
    if (line !== '') onLine(line)
  }
  for await (const chunk of body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n')
    for (const [i, part] of parts.entries()) {
      if (i > 0) end()
      pieces.push(part)
    }
  }
  pieces.push(decoder.decode())
  end()
}
