export { wrapOpenAI as adaptOpenAI } from '../wrap/shapes/openai-client.js'
