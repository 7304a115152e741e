// Bundles src/pages/browser into the files of the local page: node scripts/build-pages.mjs
import { copyFile, mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const at = path => fileURLToPath(new URL(`../${path}`, import.meta.url))
const from = 'src/pages/browser'
const to = 'dist/pages/assets'

await mkdir(at(to), { recursive: true })
const { metafile } = await build({
  entryPoints: { page: at(`${from}/main.ts`), style: at(`${from}/page.css`) },
  outdir: at(to),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  entryNames: 'page',
  metafile: true,
})
await copyFile(at(`${from}/page.html`), at(`${to}/page.html`))
const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0)
console.log(`pages: ${bytes} bytes`)
