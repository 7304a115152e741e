import { letters } from '../../src/providers/letters.js'
import { providerContract } from '../contracts/provider.js'

providerContract('letters', () => letters.create({}))
