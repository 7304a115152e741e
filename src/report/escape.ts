const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for HTML, also between quotes; what no document may hold, such as a lone half of a character, is replaced. */
export function escapeHtml(text: string): string {
  return (
    text
      .replace(/\p{Surrogate}/gu, '\uFFFD')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what HTML forbids
      .replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/g, '\uFFFD')
      .replace(/[&<>"']/g, character => ENTITIES[character])
  )
}

/** Text for a line of Markdown, such as a cell of a table. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(/\s+/gu, ' ')
    .replace(/[\\`*_{}[\]<>#|~$!&]/g, character => `\\${character}`)
}
