/**
 * Where Celery itself leaves somebody waiting, or drops what was asked for: data, found by running these very canvases on
 * Celery alone. In a fleet with Celery in it such a canvas may show less than the evaluator says, never anything else; it is
 * counted and printed. On Lovage alone nothing is excused.
 */
export const deviations = {
  "chord-error-inside-chord":
    "the failure of an inner chord is stored for its body alone: the outer chord is never told, and its body waits for ever",
  "chord-error-before-later-step": "steps behind a chord that failed, where they are not part of its body, stay PENDING",
  "chord-error-of-composed-body":
    "a failed chord whose body is a chain, group or chord: the error is stored under an id that nobody waits for, or under none",
  "chain-error-before-composition":
    "a failed chain ends later steps that are plain tasks; members of groups and bodies of chords among them stay PENDING",
  "failing-group-inside-chord": "a chord whose header ends in a group joins results by their ids, and finds an error there as `Join error`",
  "link-of-chain-ending-in-chord": "a link on a chain that ends in a chord reaches its header, and is refused there with a TypeError",
  "group-body-then-step": "a chain after a chord whose body is a group is sent once by every member of that group",
} as const;

export type Deviation = keyof typeof deviations;
