import { memoryCache } from '../../src/cache/memory-cache.js'
import { describeCacheContract } from '../contracts/cache.js'

describeCacheContract('memoryCache', async () => memoryCache())
