/** States after which Celery writes no other but another end (celery-wire.md §5.2). */
const endStates: ReadonlySet<string> = new Set(["SUCCESS", "FAILURE", "REVOKED"]);

export const isEndState = (state: string): boolean => endStates.has(state);
