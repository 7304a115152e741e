import { existsSync } from 'node:fs'
import { AdapterTrainError, usageError } from '../../errors.js'
import { checkWritable, writeFileAtomic } from '../../files.js'
import { GOAL_NAMES, GOALS, type Goal, type GoalName, type InitArgs } from '../commands/init.js'
import { chooseBase, chooseDimensionsOut } from '../init/choose-base.js'
import { chooseData } from '../init/choose-data.js'
import { FOLDS } from '../init/examine-data.js'
import { type Findings, lookFurther } from '../init/look-further.js'
import { oneOf, openPrompter, type Prompter, yesNo } from '../init/prompter.js'
import { proposeGenerate, proposeImport } from '../init/propose.js'
import { adapterPath, configSections, renderConfig } from '../init/render-config.js'
import { baseText, dataText, type SayLines, type Setup } from '../init/setup-text.js'
import { checkOut } from '../options/data-files.js'
import { type Console, createConsole } from '../output/console.js'
import { commandLine } from '../output/write-report.js'

/** Asks for what is not given, checks it, and writes a config file last. */
export async function init(args: InitArgs): Promise<undefined> {
  const out = createConsole(args)
  checkName(args.out)
  const missing = missingFlags(args)
  const isSilent = args.yes || (missing.length === 0 && !process.stdin.isTTY)
  const prompter = isSilent ? undefined : openPrompter(() => refusal(missing))
  try {
    await run(args, out, prompter)
  } finally {
    prompter?.close()
  }
}

async function run(args: InitArgs, out: Console, prompter: Prompter | undefined): Promise<void> {
  const say: SayLines = (title, lines) => {
    const text = lines.map((line, i) => `${(i === 0 ? title : '').padEnd(9)}  ${line}`).join('\n')
    if (args.json && prompter) prompter.say(text)
    else out.result(text)
  }
  const { path, replace } = await chooseFile(args, prompter)
  const data = await chooseData(args, out, prompter)
  if (data.kind !== 'dataset') {
    const { lines, next, facts } = data.kind === 'columns' ? proposeImport(data) : await proposeGenerate(data, prompter?.signal)
    out.result(lines.join('\n'))
    return finish(next, { config: null, ...facts }, out)
  }
  say('data', dataText(data))
  const base = await chooseBase(args, prompter)
  try {
    say('base', baseText(base))
    const goal = await chooseGoal(args, prompter)
    const { crossValidated, truncated }: Goal = GOALS[goal]
    if (!truncated && args.dimensionsOut !== undefined) throw usageError('--dimensions-out goes with --goal truncated')
    const dimensionsOut = truncated && (await chooseDimensionsOut(args, base.opened, prompter))
    const kFold = data.examined.kFold ?? (crossValidated ? FOLDS : undefined)
    const setup: Setup = { data, base, goal, dimensionsOut, kFold }
    say('goal', [`${goal}: ${GOALS[goal].title}`])
    const findings = await lookFurther(setup, { args, out, prompter, say })
    if (prompter?.signal.aborted) throw new AdapterTrainError('ABORTED', 'stopped; nothing was written')

    const text = await renderConfig(path, configSections(setup))
    checkOut(path, Object.values(data.files))
    // It may have been created while questions were asked.
    if (!replace && existsSync(path)) throw isThere(path)
    const copies = data.sample?.keep() ?? []
    writeFileAtomic(path, text)
    for (const problem of findings.problems) out.warn(problem)
    say('written', [path, ...copies])
    finish(nextSteps(path, setup), factsOf(path, setup, findings), out)
  } finally {
    await base.opened.provider?.close?.()
  }
}

/** Chooses the file to write; `replace` allows an existing one. */
async function chooseFile({ out, force }: InitArgs, prompter: Prompter | undefined) {
  checkWritable(out)
  if (force || !existsSync(out)) return { path: out, replace: force }
  if (!prompter) throw isThere(out)
  if (await prompter.ask(yesNo(`${out} is there already. Replace it?`, false))) return { path: out, replace: true }
  const path = await prompter.ask({
    text: 'another file',
    read(answer) {
      checkName(answer)
      checkWritable(answer)
      if (existsSync(answer)) throw isThere(answer)
      return answer
    },
  })
  return { path, replace: false }
}

function checkName(path: string): void {
  if (/\.ya?ml$/i.test(path)) return
  throw usageError(`the config file is YAML; expected a name such as x.yaml, found "${path}"`)
}

function isThere(path: string): AdapterTrainError {
  const message = `${path} is there already; name another file with --out, or replace it with --force`
  return new AdapterTrainError('FILE_WRITE', message, { details: { file: path } })
}

async function chooseGoal({ goal }: InitArgs, prompter: Prompter | undefined): Promise<GoalName> {
  if (goal !== undefined || !prompter) return goal ?? GOAL_NAMES[0]
  const lines = GOAL_NAMES.map((name, i) => `  ${i + 1} ${name.padEnd(9)}  ${GOALS[name].title}`)
  prompter.say(`\nGoal: what matters most.\n${lines.join('\n')}`)
  return prompter.ask(oneOf('goal', GOAL_NAMES, GOAL_NAMES[0]))
}

function missingFlags({ data, sample, base, goal, dimensionsOut }: InitArgs): string[] {
  return [
    ...(data === undefined && !sample ? ['--data (or --sample)'] : []),
    ...(base === undefined ? ['--base'] : []),
    ...(goal === undefined ? ['--goal'] : []),
    ...(goal === 'truncated' && dimensionsOut === undefined ? ['--dimensions-out'] : []),
  ]
}

function refusal(missing: readonly string[]): string {
  const flags = missing.length > 0 ? `give ${missing.join(', ')}, or ` : ''
  return `init asks questions, and nobody answers on stdin: ${flags}--yes for the defaults`
}

function nextSteps(path: string, { base }: Setup): string[] {
  const { key, keyVariable, outside } = base.opened
  return [
    ...(key === 'missing' && outside === 'sends' ? [`export ${keyVariable}=...`] : []),
    commandLine(['train', '--config', path]),
  ]
}

function finish(next: readonly string[], facts: object, out: Console): void {
  out.result(`\nnext\n${next.map(line => `  ${line}`).join('\n')}`)
  out.json({ ...facts, next })
}

function factsOf(path: string, setup: Setup, { estimate, trial, time, checked, problems }: Findings): object {
  const { data, base, goal, dimensionsOut, kFold } = setup
  const { files, examined, format, kind } = data
  const { counts, findings, advice, loaded } = examined
  const { provider, name, key, keyVariable } = base.opened
  return {
    config: path,
    adapter: adapterPath(setup),
    goal,
    dimensionsOut,
    kFold,
    data: { kind, format, files, counts, skipped: loaded.skipped.length, findings, advice },
    base: { name, id: provider?.id, dimensions: provider?.dimensions, key, keyVariable },
    estimate,
    trial,
    time,
    checked,
    problems,
  }
}
