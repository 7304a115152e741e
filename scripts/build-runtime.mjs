// Bundles src/runtime, load and apply only, into one minified module without imports: node scripts/build-runtime.mjs [FILE]
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { withoutTraining } from './without-training.mjs'

const root = new URL('..', import.meta.url)
const outfile = process.argv[2] ?? fileURLToPath(new URL('dist/runtime.js', root))

const { metafile } = await build({
  entryPoints: [fileURLToPath(new URL('src/runtime/index.ts', root))],
  outfile,
  bundle: true,
  minify: true,
  format: 'esm',
  // Neither of Node nor of browsers: an import of a built-in module is an error.
  platform: 'neutral',
  target: 'es2022',
  define: { 'Number.POSITIVE_INFINITY': 'Infinity', 'Number.NaN': 'NaN' },
  // Members that neither a file nor a caller sees.
  mangleProps: /^(compile|size|outputs|facts|stored|where|bytes|tensors|metadata|beta|kappa|z0|mu|sigma)$/,
  plugins: [withoutTraining],
  metafile: true,
})
const [{ bytes }] = Object.values(metafile.outputs)
console.log(`runtime.js: ${bytes} bytes`)
