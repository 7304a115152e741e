// Compiles assembly/*.ts to WebAssembly and writes each module, base64, into a TypeScript file that ships with the package:
// no file to find at run time, in Node, in a bundle or in a browser.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import asc from 'assemblyscript/asc'

const MODULES = [
  ['kernels', 'src/engines/cpu/kernels.generated.ts', 0],
  // A quarter smaller and as fast: only what stands outside the inner loop is not inlined. It travels with the runtime bundle.
  ['linear', 'src/engines/cpu/linear.generated.ts', 1],
  ['attention', 'src/engines/cpu/attention.generated.ts', 1],
]

const root = new URL('..', import.meta.url)

for (const [name, target, shrinkLevel] of MODULES) {
  const outFile = `${name}.wasm`
  let wasm
  const { error, stderr } = await asc.main(
    [
      `${name}.ts`,
      ...[
        '--outFile',
        outFile,
        '--runtime',
        'stub',
        '--enable',
        'simd',
        '--importMemory',
        '--noAssert',
        '--disableWarning',
        '112',
      ],
      ...['--optimizeLevel', '3', '--shrinkLevel', String(shrinkLevel), '--converge'],
    ],
    {
      readFile: path => readFile(new URL(`assembly/${path}`, root), 'utf8').catch(() => null),
      writeFile: (path, contents) => {
        if (path === outFile) wasm = contents
      },
      listFiles: () => [],
    },
  )
  if (error) throw new Error(`assembly/${name}.ts does not compile: ${stderr.toString() || error.message}`)
  const bytes = Buffer.from(wasm)
  const file = new URL(target, root)
  const text = `// Made by scripts/build-wasm.mjs from assembly/${name}.ts.\nexport default '${bytes.toString('base64')}'\n`
  await mkdir(new URL('.', file), { recursive: true })
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) await writeFile(file, text)
  console.log(`${target}: ${bytes.length} bytes of WebAssembly`)
}
