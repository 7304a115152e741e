// What the runtime bundle leaves out of the shared source. A bundler cannot: it does not know which members of an object are read.
import { readFile } from 'node:fs/promises'
import ts from 'typescript'

/** Members of an adapter kind that training and help texts need, and applying an adapter does not. */
const KIND_MEMBERS = ['name', 'description', 'affine', 'rectangular', 'forward', 'backward']
/** The same of its parameters. */
const PARAM_MEMBERS = ['anchor', 'start']

/** Where the remedies and the longer explanations of a message begin. What is wrong, and where, stays. */
const ADVICE = { default: /; | at index /, ADAPTER: /; | at row | must be |, expected |, but |, an | needs / }

/** The memory's WebAssembly is larger than all the rest of it: the bundle has the plain loops only. */
const PLAIN = 'plain'

/** An esbuild plugin. */
export const withoutTraining = {
  name: 'without-training',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /\/attention-kernel\.js$/ }, ({ path, resolveDir, namespace }) =>
      namespace === PLAIN ? undefined : { path, namespace: PLAIN, pluginData: resolveDir },
    )
    onLoad({ filter: /./, namespace: PLAIN }, ({ path, pluginData: resolveDir }) => ({
      contents: `export { createPlainAttentionKernel as createAttentionKernel } from '${path}'`,
      resolveDir,
    }))
    onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.Latest)
      const { transformed } = ts.transform(source, [context => file => ts.visitNode(file, visitor(context, source))])
      return { contents: ts.createPrinter().printFile(transformed[0]), loader: 'ts' }
    })
  },
}

const visitor = (context, source) => {
  const visit = node => {
    // Files with text terms are read by another entry.
    if (ts.isConditionalExpression(node) && node.condition.getText(source) === 'adapter.terms') return visit(node.whenFalse)
    // Of sizes that do not fit each other, which the code around it rules out.
    if (ts.isIfStatement(node) && node.thenStatement.getText(source).includes('throw new RangeError(')) return undefined
    if (ts.isVariableStatement(node) && node.declarationList.declarations[0].name.text === 'textOf') return undefined
    const visited = ts.visitEachChild(node, visit, context)
    if (ts.isVariableDeclaration(visited) && /^Adapter(Kind|Map)$/.test(visited.type?.getText(source))) return shortKind(visited)
    if (ts.isCallExpression(visited) && /^(wrong|damaged)$/.test(visited.expression.text)) {
      const args = visited.arguments.map(argument => shortText(argument, ADVICE.ADAPTER))
      return ts.factory.updateCallExpression(visited, visited.expression, undefined, args)
    }
    if (ts.isCallExpression(visited) && visited.arguments.some(isText)) {
      const others = visited.arguments.filter(argument => !isText(argument))
      return ts.factory.updateCallExpression(visited, visited.expression, undefined, others)
    }
    if (ts.isNewExpression(visited) && visited.expression.text === 'AdapterTrainError') {
      const advice = visited.arguments[0].text?.startsWith('ADAPTER') ? ADVICE.ADAPTER : ADVICE.default
      const args = visited.arguments.slice(0, 2).map(argument => shortText(argument, advice))
      return ts.factory.updateNewExpression(visited, visited.expression, undefined, args)
    }
    return visited
  }
  return visit
}

/** True for the text of a query, which only text terms use. */
const isText = node => ts.isCallExpression(node) && node.expression.text === 'textOf'

function shortKind(declaration) {
  const { properties } = declaration.initializer
  const has = name => properties.some(member => member.name?.text === name)
  // `applyAdapter` calls `apply` where there is no `compile`.
  const unused = has('compile') ? [...KIND_MEMBERS, 'apply'] : KIND_MEMBERS
  const kept = properties
    .filter(member => !unused.includes(member.name?.text))
    // Of the size only how it is found in the weights.
    .map(member => (member.name?.text === 'size' ? onlyMember(member, 'of') : member))
  const visitParam = node =>
    ts.isPropertyAssignment(node) && PARAM_MEMBERS.includes(node.name.text)
      ? undefined
      : ts.visitEachChild(node, visitParam, undefined)
  const members = kept.map(member => ts.visitNode(member, visitParam))
  const kind = ts.factory.createObjectLiteralExpression(members)
  return ts.factory.updateVariableDeclaration(declaration, declaration.name, undefined, declaration.type, kind)
}

const onlyMember = (property, name) =>
  ts.factory.updatePropertyAssignment(
    property,
    property.name,
    ts.factory.createObjectLiteralExpression(property.initializer.properties.filter(member => member.name.text === name)),
  )

/** A text or template up to the advice. */
function shortText(node, advice) {
  const cut = text => text.split(advice)[0]
  if (ts.isStringLiteral(node)) return ts.factory.createStringLiteral(cut(node.text))
  if (ts.isNoSubstitutionTemplateLiteral(node)) return ts.factory.createNoSubstitutionTemplateLiteral(cut(node.text))
  if (!ts.isTemplateExpression(node)) return node
  if (advice.test(node.head.text)) return ts.factory.createNoSubstitutionTemplateLiteral(cut(node.head.text))
  const spans = node.templateSpans
  const last = spans.findIndex(({ literal }) => advice.test(literal.text))
  if (last < 0) return node
  const { expression, literal } = spans[last]
  const tail = ts.factory.createTemplateTail(cut(literal.text))
  const kept = spans
    .slice(0, last)
    .map(span => ts.factory.createTemplateSpan(span.expression, ts.factory.createTemplateMiddle(span.literal.text)))
  return ts.factory.createTemplateExpression(node.head, [...kept, ts.factory.createTemplateSpan(expression, tail)])
}
