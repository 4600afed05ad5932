// docs/reference/log-events.md: every log line that the sources write, with its level and its fields, read from their syntax trees.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "../root.mjs";

const intro = `# Log events

Every line has \`time\`, \`level\`, \`event\` and \`node\`; those of a runner have \`pid\`. Names of events and fields stay the same between releases.
**task facts** stands for \`task\`, \`taskId\`, \`queue\`, \`attempt\` (from 1), \`correlationId\` and, where the task is part of a trace, \`traceId\`.
\`…\` stands for further facts of what is told. \`error\` is, in JSON, an object with \`name\`, \`code\`, \`message\` and \`stack\`, but in
\`task.failed\` and \`task.retried\` the type of what was thrown. Lines that tasks write themselves (\`currentRun().log\`) have the task facts and their own.
`;

const levels = new Set(["debug", "info", "warn", "error"]);
const eventForm = /^[a-z][a-z-]*(\.[a-z][a-z-]*)+$/;
const source = /^lovage\/src\/(?!testing\/).*\.ts$/;
const test = /\.(test|prop|test-d)\.ts$/;

/** @typedef {{ readonly levels: Set<string>, readonly fields: Set<string>, readonly files: Set<string> }} Line */

/** @returns {Map<string, Line>} */
export function logEvents() {
  const found = new Map();
  for (const file of readdirSync(join(root, "packages"), { recursive: true, encoding: "utf8" })) {
    const path = file.replaceAll("\\", "/");
    if (!source.test(path) || test.test(path)) continue;
    const text = readFileSync(join(root, "packages", path), "utf8");
    if (!text.includes("log")) continue;
    const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    visit(tree, (call) => collect(call, path.slice("lovage/src/".length), found));
  }
  return found;
}

/** @param {ts.Node} node @param {(call: ts.CallExpression) => void} onCall */
function visit(node, onCall) {
  if (ts.isCallExpression(node)) onCall(node);
  ts.forEachChild(node, (child) => visit(child, onCall));
}

/** @param {ts.CallExpression} call @param {string} path @param {Map<string, Line>} found */
function collect(call, path, found) {
  const [first, second] = call.arguments;
  const at = levelsOf(call.expression);
  if (at.length === 0 || first === undefined) return;
  for (const event of textsOf(first)) {
    if (!eventForm.test(event)) continue;
    const line = found.get(event) ?? { levels: new Set(), fields: new Set(), files: new Set() };
    for (const level of at) line.levels.add(level);
    for (const field of second === undefined ? [] : fieldsOf(second)) line.fields.add(field);
    line.files.add(path);
    found.set(event, line);
  }
}

/** Of `log.warn(…)`, and of `log[fatal ? "error" : "warn"](…)`. @param {ts.Expression} called @returns {readonly string[]} */
function levelsOf(called) {
  if (ts.isPropertyAccessExpression(called)) return levels.has(called.name.text) && isLog(called.expression) ? [called.name.text] : [];
  if (!ts.isElementAccessExpression(called) || !isLog(called.expression)) return [];
  const named = textsOf(called.argumentExpression).filter((text) => levels.has(text));
  // A level that is not named here: task-log.ts writes the usual lines at what was asked for.
  return named.length > 0 ? named : ["debug", "info"];
}

const isLog = (/** @type {ts.Expression} */ of) => /(^|[.#])log(ger)?$/i.test(of.getText());

/** @param {ts.Expression} expression @returns {readonly string[]} */
function textsOf(expression) {
  if (ts.isStringLiteralLike(expression)) return [expression.text];
  if (ts.isConditionalExpression(expression)) return [...textsOf(expression.whenTrue), ...textsOf(expression.whenFalse)];
  // One of a table: `levels[stream]`.
  const table = ts.isElementAccessExpression(expression) ? meaningOf(expression.expression) : undefined;
  if (table === undefined || !ts.isObjectLiteralExpression(table)) return [];
  return table.properties.flatMap((property) => (ts.isPropertyAssignment(property) ? textsOf(property.initializer) : []));
}

/** @param {ts.Expression} expression @returns {readonly string[]} */
function fieldsOf(expression) {
  if (ts.isParenthesizedExpression(expression) || ts.isAwaitExpression(expression)) return fieldsOf(expression.expression);
  if (ts.isConditionalExpression(expression)) return [...fieldsOf(expression.whenTrue), ...fieldsOf(expression.whenFalse)];
  if (ts.isBinaryExpression(expression)) return fieldsOf(expression.right);
  if (!ts.isObjectLiteralExpression(expression)) {
    if (/^runFacts|#factsOf/.test(expression.getText())) return ["**task facts**"];
    const meaning = meaningOf(ts.isCallExpression(expression) ? expression.expression : expression);
    return meaning === undefined ? ["…"] : fieldsOf(meaning);
  }
  return expression.properties.flatMap((property) => {
    if (ts.isSpreadAssignment(property)) return fieldsOf(property.expression);
    return property.name === undefined ? [] : [property.name.getText()];
  });
}

/** What a name of the same file stands for: the value of a constant, or what a function gives. @param {ts.Expression} name */
function meaningOf(name) {
  if (!ts.isIdentifier(name)) return undefined;
  /** @type {ts.Expression | undefined} */
  let found;
  const look = (/** @type {ts.Node} */ node) => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === name.text) found ??= node.initializer && valueIn(node.initializer);
    if (ts.isFunctionDeclaration(node) && node.name?.text === name.text)
      found ??= node.body?.statements.find(ts.isReturnStatement)?.expression;
    ts.forEachChild(node, look);
  };
  look(name.getSourceFile());
  return found;
}

/** @param {ts.Expression} initializer @returns {ts.Expression | undefined} */
function valueIn(initializer) {
  if (ts.isAsExpression(initializer) || ts.isParenthesizedExpression(initializer)) return valueIn(initializer.expression);
  if (ts.isArrowFunction(initializer)) return ts.isBlock(initializer.body) ? undefined : valueIn(initializer.body);
  return ts.isCallExpression(initializer) && !/^runFacts/.test(initializer.getText()) ? undefined : initializer;
}

export function logEventsPage() {
  const rows = [...logEvents()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([event, line]) => {
      const fields = [...line.fields].map((field) => (/^\w+$/.test(field) ? `\`${field}\`` : field));
      return `| \`${event}\` | ${[...line.levels].join(", ")} | ${fields.join(", ")} | ${[...line.files].map((file) => `\`${file}\``).join(", ")} |`;
    });
  return `${intro}\n| event | level | fields | written by |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}
