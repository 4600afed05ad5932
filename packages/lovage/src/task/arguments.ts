/** From positional and keyword arguments of a message to the handler's. The same check when sent and when received. */
import { UsageError } from "../kernel/errors.ts";
import type { AnyTask } from "./task-definition.ts";

type Kwargs = Readonly<Record<string, unknown>>;

/**
 * Synchronous unless the task's schema is not.
 * @throws {UsageError} LOVAGE_ARGUMENTS_INVALID naming the task, what came and what would do.
 */
export function bindArguments(task: AnyTask, args: readonly unknown[], kwargs: Kwargs): readonly unknown[] | Promise<readonly unknown[]> {
  const { input, params } = task.settings;
  if (input !== null) return validated(task, inputOf(task, args, kwargs));
  if (isEmpty(kwargs)) {
    if (params !== null && args.length > params.length) throw tooMany(task, args, params);
    return args;
  }
  if (params === null)
    throw invalid(
      task,
      `got keyword arguments ${names(Object.keys(kwargs))}, but declares no parameter names. Give it defineTask(…, { params: […] }) or an input schema, or send positional arguments`,
    );
  return bindByName(task, args, kwargs, params);
}

function isEmpty(kwargs: Kwargs): boolean {
  for (const _ in kwargs) return false;
  return true;
}

function bindByName(task: AnyTask, args: readonly unknown[], kwargs: Kwargs, params: readonly string[]): readonly unknown[] {
  if (args.length > params.length) throw tooMany(task, args, params);
  const bound = [...args];
  for (const name in kwargs) {
    const index = params.indexOf(name);
    if (index === -1) throw invalid(task, `has no parameter "${name}": its parameters are ${names(params)}`);
    if (index < args.length) throw invalid(task, `got "${name}" twice: as argument ${index + 1} and by name`);
    bound[index] = kwargs[name];
  }
  // A hole is an argument that was left out: the handler's default applies.
  return Array.from(bound);
}

/** One positional argument is the input itself; keyword arguments are its fields. */
function inputOf(task: AnyTask, args: readonly unknown[], kwargs: Kwargs): unknown {
  if (args.length === 0) return kwargs;
  if (args.length === 1 && isEmpty(kwargs)) return args[0];
  throw invalid(task, `takes one input object: got ${args.length} positional and ${Object.keys(kwargs).length} keyword argument(s)`);
}

function validated(task: AnyTask, value: unknown): readonly unknown[] | Promise<readonly unknown[]> {
  const schema = task.settings.input?.["~standard"];
  if (schema === undefined) return [value];
  const result = schema.validate(value);
  return result instanceof Promise ? result.then((done) => accepted(task, done)) : accepted(task, result);
}

interface Checked {
  readonly value?: unknown;
  readonly issues?:
    | readonly { readonly message: string; readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined }[]
    | undefined;
}

function accepted(task: AnyTask, result: Checked): readonly unknown[] {
  if (result.issues === undefined) return [result.value];
  const said = result.issues.map(({ path, message }) => {
    const where = (path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".");
    return where === "" ? message : `${where}: ${message}`;
  });
  throw invalid(task, `refuses its input: ${said.join("; ")}`, said);
}

const names = (list: readonly string[]): string => list.map((name) => `"${name}"`).join(", ");

const tooMany = (task: AnyTask, args: readonly unknown[], params: readonly string[]) =>
  invalid(task, `got ${args.length} positional arguments, and takes ${params.length}: ${names(params)}`);

function invalid(task: AnyTask, problem: string, issues: readonly string[] = []): UsageError {
  return new UsageError("LOVAGE_ARGUMENTS_INVALID", `Task "${task.name}" ${problem}.`, { details: { task: task.name, issues } });
}
