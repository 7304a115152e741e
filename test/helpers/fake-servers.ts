import { afterEach, beforeEach, vi } from 'vitest'
import type { FakeService, FakeServiceOptions } from './fake-service.js'

/**
 * For all tests of a file: servers that are closed after each test, which starts without the given environment variables.
 * @returns starts a server
 */
export function fakeServers<O extends FakeServiceOptions>(
  startFake: (options?: O) => Promise<FakeService>,
  variables: readonly string[] = [],
): (options?: O) => Promise<FakeService> {
  const servers: FakeService[] = []
  beforeEach(() => {
    for (const name of variables) vi.stubEnv(name, undefined)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
    await Promise.all(servers.splice(0).map(server => server.close()))
  })
  return async options => {
    const server = await startFake(options)
    servers.push(server)
    return server
  }
}
