/** One line of a record's fields, `name: value; name: value`; empty ones are left out. */
export function rowOf(fields: readonly (readonly [name: string, value: string])[]): string {
  return fields
    .map(([name, value]) => [name, value.replace(/\s+/gu, ' ').trim()])
    .filter(([, value]) => value !== '')
    .map(([name, value]) => (name === '' ? value : `${name}: ${value}`))
    .join('; ')
}
