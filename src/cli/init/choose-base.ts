import { usageError } from '../../errors.js'
import { isOwnCode, loadProvider, providerNames } from '../../providers/index.js'
import type { InitArgs } from '../commands/init.js'
import type { ProviderArgs } from '../options/provider-options.js'
import { baseChoices, type OpenedBase, openBase, proposedBase } from './open-base.js'
import { oneOf, type Prompter } from './prompter.js'

export interface ChosenBase {
  readonly opened: OpenedBase
  /** Options of the provider, with base and model. */
  readonly args: ProviderArgs & { readonly base: string }
}

/** Chooses the base: that of the options, else of the answer, or without questions the proposed one. */
export async function chooseBase(given: InitArgs, prompter: Prompter | undefined): Promise<ChosenBase> {
  refuseCode(given.base)
  const proposed = await proposedBase()
  if (!prompter) return openWith(given, given.base ?? proposed, given.model)
  if (given.base === undefined) {
    const choices = await baseChoices()
    prompter.say(`\nBase: the model that embeds your documents; the adapter is trained for it.\n${choices.join('\n')}`)
  }
  const base = given.base ?? (await prompter.ask(oneOf('base', providerNames, proposed)))
  const { defaultModel, needsModel, addressForm } = await loadProvider(base)
  const baseUrl =
    addressForm === undefined || given.base !== undefined || given.baseUrl !== undefined
      ? given.baseUrl
      : await prompter.ask({ text: `address, such as ${addressForm}`, read: answer => answer })
  const all = { ...given, baseUrl }
  if (given.base !== undefined || given.model !== undefined || !(defaultModel ?? needsModel))
    return openWith(all, base, given.model)
  const folder = base === 'sbert' ? ', a hub id or a folder' : ''
  return prompter.ask({
    text: `model${folder}`,
    fallback: defaultModel,
    read: model => openWith(all, base, model),
  })
}

function refuseCode(base: string | undefined): void {
  if (base === undefined || !isOwnCode(base)) return
  throw usageError(`--base ${base} is code, which the config file that init writes cannot name`)
}

async function openWith(given: InitArgs, base: string, model: string | undefined): Promise<ChosenBase> {
  const args = { ...given, base, model }
  return { args, opened: await openBase(base, args) }
}

/** Chooses the dimensions of a truncated index: those of the option, else of the answer, else half of the base's. */
export async function chooseDimensionsOut(
  { dimensionsOut }: InitArgs,
  { provider }: OpenedBase,
  prompter: Prompter | undefined,
): Promise<number> {
  const all = provider?.dimensions
  const check = (value: number): number => {
    if (Number.isSafeInteger(value) && value >= 1 && (all === undefined || value < all)) return value
    const range = all === undefined ? 'of at least 1' : `from 1 to ${all - 1}, less than the ${all} of the base`
    throw usageError(`--dimensions-out must be a whole number ${range}; found ${value}`)
  }
  if (dimensionsOut !== undefined) return check(dimensionsOut)
  const half = all === undefined ? undefined : Math.floor(all / 2)
  if (prompter) {
    return prompter.ask({
      text: 'dimensions that the index stores',
      fallback: half?.toString(),
      read: answer => check(Number(answer)),
    })
  }
  if (half !== undefined) return check(half)
  throw usageError('--goal truncated needs --dimensions-out, the dimensions that the index stores')
}
