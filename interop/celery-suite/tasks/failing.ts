/** Tasks that fail, with errors that are Python's own classes on the other side. */
import { defineTask } from "lovage";
import { expected, pythonError } from "../support/python.ts";

export const fail = defineTask("t.integration.tasks.fail", (...args: readonly unknown[]) => {
  throw expected("Task expected to fail", ...args);
});

export const raiseError = defineTask("t.integration.tasks.raise_error", (..._: readonly unknown[]) => {
  throw pythonError("builtins", "ValueError", "deliberate error");
});

/** The class takes two arguments and keeps one, so the client cannot make it and falls back to a plain Exception. */
export const unpickleable = (foo: unknown) => pythonError("t.integration.tasks", "UnpickleableException", foo);

export const failUnpickleable = defineTask("t.integration.tasks.fail_unpickleable", { params: ["foo", "bar"] }, (foo: unknown) => {
  throw unpickleable(foo);
});
