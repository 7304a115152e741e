import type { ClosedForm } from './closed-form.js'
import { procrustes } from './procrustes.js'
import { ridge } from './ridge.js'

/** Every closed form. A new one is one file and one entry here. */
export const CLOSED_FORMS = { ridge, procrustes } satisfies Record<string, ClosedForm>

/** Finds the closed form of that name. */
export function closedForm(name: string): ClosedForm | undefined {
  return Object.hasOwn(CLOSED_FORMS, name) ? CLOSED_FORMS[name as keyof typeof CLOSED_FORMS] : undefined
}
