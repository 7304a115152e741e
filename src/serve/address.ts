import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, BlockList, isIPv4, isIPv6 } from 'node:net'
import { AdapterTrainError, messageOf, usageError } from '../errors.js'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** True for loopback hosts. */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4')
  if (isIPv6(host)) return LOOPBACK.check(host, 'ipv6')
  return host.toLowerCase() === 'localhost'
}

/** `[::1]:8080` -> `::1` */
export const hostOf = (header = ''): string => header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')

/** Makes a test for a secret whose time reveals nothing: digests under a random key have equal length. */
export function secretTest(secret: string): (given: string) => boolean {
  const key = randomBytes(32)
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const expected = digest(secret)
  return given => timingSafeEqual(digest(given), expected)
}

/** @throws USAGE if other machines can reach a host and no token was set */
export function requireToken(host: string, token: string | undefined): void {
  if (token !== undefined || isLoopback(host)) return
  throw usageError(
    `host ${host}: other machines can reach it; expected 127.0.0.1, ::1 or localhost without a token. ` +
      'Set ADAPTER_TRAIN_SERVE_TOKEN or --token-file',
  )
}

/** Starts to listen. Returns the address, such as `http://127.0.0.1:8080`. */
export async function listening(server: Server, host: string, port: number): Promise<string> {
  try {
    await once(server.listen(port, host), 'listening')
  } catch (cause) {
    const message = `${host}, port ${port}: cannot listen (${messageOf(cause)}). Choose another --port or --host`
    throw new AdapterTrainError('SERVE_LISTEN', message, { cause, details: { host, port } })
  }
  const { address, family, port: given } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${given}`
}
