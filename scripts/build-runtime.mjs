// Bundles src/runtime and src/runtime-terms, load and apply only, each into one minified module without imports:
// node scripts/build-runtime.mjs [FILE [FILE]]
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { withoutTraining } from './without-training.mjs'

const root = new URL('..', import.meta.url)
const [runtime = 'dist/runtime.js', terms = 'dist/runtime-terms.js'] = process.argv.slice(2)
await bundle('runtime', runtime, {
  // Members that neither a file nor a caller sees.
  mangleProps: /^(apply|compile|size|outputs|facts|stored|where|bytes|tensors|metadata|beta|kappa|z0|mu|sigma)$/,
})
// The registry of kinds, which it does not use, goes: text terms stand on a linear map alone.
const TERMS =
  /^(apply|compile|facts|stored|where|bytes|tensors|metadata|postings|starts|counts|extras|pairs|scores|mix|table|words|feedback|bits|vectors)$/
await bundle('runtime-terms', terms, { mangleProps: TERMS }, [
  {
    name: 'without-kinds',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/index\.js$/ }, ({ resolveDir }) => ({
        path: resolve(resolveDir, 'index.ts'),
        sideEffects: false,
      }))
    },
  },
])

/**
 * @param {string} name
 * @param {string} file
 * @param {import('esbuild').BuildOptions} [more]
 * @param {import('esbuild').Plugin[]} [plugins]
 */
async function bundle(name, file, more, plugins = []) {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`src/${name}/index.ts`, root))],
    outfile: resolve(fileURLToPath(root), file),
    ...more,
    bundle: true,
    minify: true,
    format: 'esm',
    // Neither of Node nor of browsers: an import of a built-in module is an error.
    platform: 'neutral',
    target: 'es2022',
    define: { 'Number.POSITIVE_INFINITY': 'Infinity', 'Number.NaN': 'NaN' },
    plugins: [...plugins, withoutTraining],
    metafile: true,
  })
  const [{ bytes }] = Object.values(metafile.outputs)
  console.log(`${name}.js: ${bytes} bytes`)
}
