import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Block, ROOT } from './pages.js'

/**
 * Checks blocks, each a module of its own, by one run of the compiler.
 * @param folder is made
 * @returns what the compiler found; empty when that is nothing
 */
export function checkTypes(blocks: readonly Block[], folder: string): Promise<string> {
  const packages = join(folder, 'node_modules')
  mkdirSync(packages, { recursive: true })
  for (const name of [
    'openai',
    'ai',
    'chromadb',
    '@ai-sdk',
    '@lancedb',
    '@langchain',
    '@llamaindex',
    'onnxruntime-node',
    '@types',
  ]) {
    symlinkSync(join(ROOT, 'node_modules', name), join(packages, name))
  }
  symlinkSync(ROOT, join(packages, 'adapter-train'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const { place, code, language } of blocks) {
    const name = place.replace(/[^\w:]+/g, '-').replace(':', '.line-')
    writeFileSync(join(folder, `${name}.${language === 'ts' ? 'ts' : 'js'}`), `${code}\nexport {}\n`)
  }
  const options = {
    target: 'ES2023',
    lib: ['ES2023'],
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowJs: true,
    checkJs: true,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts', '*.js'] }))
  return new Promise(done => {
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    execFile(process.execPath, [compiler, '-p', folder], { cwd: folder }, (_, stdout, stderr) => done(stdout + stderr))
  })
}
