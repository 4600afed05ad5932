/** URL of a module beside the caller's, by its name without extension: `.js` in the built package, `.ts` in its sources. */
export function siblingModule(callerUrl: string, path: string): URL {
  return new URL(`${path}${callerUrl.endsWith(".ts") ? ".ts" : ".js"}`, callerUrl);
}
