import { NEGATIVES, type NegativesName } from '../../src/losses/index.js'
import { lossContract } from '../contracts/loss.js'

for (const name of Object.keys(NEGATIVES) as NegativesName[]) lossContract(name)
