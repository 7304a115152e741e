import type { KnownModel } from './adapter-source.js'

type Method = (...args: unknown[]) => unknown

/** Replaces members by a proxy that keeps class, methods and private fields; the object itself is not changed. */
export function overrideMembers<T extends object, M extends object>(object: T, members: M, onCall?: Method): T & M {
  // A call reaches the object itself, where its private fields are; unlike a bound copy, a function keeps its properties.
  const onObject: ProxyHandler<Method> = { apply: (method, _, args) => Reflect.apply(method, object, args) }
  // A proxy may not answer with other members than those of a frozen target.
  const target = Object.isFrozen(object) && typeof object !== 'function' ? (Object.create(object) as T) : object
  return new Proxy<T>(target, {
    get(_, key) {
      if (Object.hasOwn(members, key)) return Reflect.get(members, key)
      const value: unknown = Reflect.get(object, key, object)
      return typeof value === 'function' && key !== 'constructor' ? new Proxy(value as Method, onObject) : value
    },
    has: (_, key) => Object.hasOwn(members, key) || Reflect.has(object, key),
    apply: (_, self, args) => (onCall ? onCall(...args) : Reflect.apply(object as unknown as Method, self, args)),
    set: (_, key, value) => Reflect.set(object, key, value, object),
  }) as T & M
}

/** True for an object, or a function, with all of these methods. */
export const hasMethods = (x: unknown, ...names: readonly string[]): boolean =>
  names.every(name => typeof (x as Readonly<Record<string, unknown>> | null | undefined)?.[name] === 'function')

/** Reads the facts that an object of another library states about its model. */
export function modelFacts(object: object): KnownModel {
  const { id, dimensions, model } = object as { readonly [key: string]: unknown }
  return {
    // A LlamaIndex embedding has an id of its own, which names the object and not the model.
    id: typeof id === 'string' && typeof object !== 'function' ? id : undefined,
    dimensions: typeof dimensions === 'number' ? dimensions : undefined,
    name: typeof model === 'string' ? model : undefined,
  }
}
