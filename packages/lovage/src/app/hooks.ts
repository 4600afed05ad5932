/** Runs every hook, whatever the others do; the first error is thrown at the end. */
export async function runHooks(hooks: readonly ((() => unknown) | null)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const hook of hooks) {
    try {
      await hook?.();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
