// npm run release
//
// Checks that the working tree is ready to be released and makes the tarball. It publishes nothing: the last lines say how to.
// With --no-checks, .ci/run is left out.
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = name => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
const output = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: 'utf8' }).trim()
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' })

const { version } = JSON.parse(read('package.json'))
const today = new Date().toISOString().slice(0, 10)

/** Lists what stands in the way of a release. */
function problems() {
  const [, newest, date] = /^## (\d\S*) - (\S+)$/m.exec(read('CHANGELOG.md')) ?? []
  const unreleased = /^## Unreleased\n(.*?)^## /ms.exec(read('CHANGELOG.md'))?.[1].trim()
  const lock = JSON.parse(read('package-lock.json'))
  return [
    output('git', 'status', '--porcelain') !== '' && 'git: uncommitted changes. Commit or stash them',
    output('git', 'tag', '--list', `v${version}`) !== '' && `package.json: v${version} has a tag already. Raise "version"`,
    lock.version !== version && `package-lock.json: expected version ${version}, found ${lock.version}. Run npm install`,
    newest !== version && `CHANGELOG.md: expected "## ${version} - ${today}" as its newest release, found ${newest}`,
    date !== today && `CHANGELOG.md: expected today's date, ${today}, for ${version}, found ${date}`,
    unreleased && `CHANGELOG.md: move the lines below "Unreleased" to ${version}`,
  ].filter(Boolean)
}

const found = problems()
if (found.length > 0) {
  console.error(found.join('\n'))
  process.exit(1)
}
if (!process.argv.includes('--no-checks')) run('.ci/run')
// The build prints its own lines before the name of the tarball.
const filename = output('npm', 'pack', '--silent').split('\n').at(-1)
run('npx', '--yes', 'publint@0.3', 'run', filename, '--strict')
run('npx', '--yes', '@arethetypeswrong/cli@0.18', filename, '--profile', 'esm-only', '--quiet')
console.log(`${filename}: ${(statSync(join(root, filename)).size / 1e6).toFixed(1)} MB. To publish it:

  git tag v${version} && git push origin v${version}
  npm publish ${filename}`)
