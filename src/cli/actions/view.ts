import { writeFileAtomic } from '../../files.js'
import { exportPage, viewRoutes } from '../../pages/view.js'
import type { ViewArgs } from '../commands/view.js'
import { withLook } from '../look-session.js'
import { checkOut } from '../options/data-files.js'
import { createConsole } from '../output/console.js'

export async function view(args: ViewArgs): Promise<void> {
  const out = createConsole(args)
  const { data, corpus, queries, adapter = [] } = args
  if (args.export !== undefined) checkOut(args.export, [data, corpus, queries, ...adapter], 'export')
  await withLook(args, out, async ({ look, title, serve }) => {
    if (args.export === undefined) return serve(viewRoutes(look, title))
    writeFileAtomic(args.export, await exportPage(look, title, args.exportQueries))
    out.json({ file: args.export })
    out.result(`written ${args.export}`)
  })
}
