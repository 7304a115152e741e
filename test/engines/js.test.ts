import { createJsEngine } from '../../src/engines/js.js'
import { engineContract } from '../contracts/engine.js'

engineContract('js', async () => createJsEngine())
