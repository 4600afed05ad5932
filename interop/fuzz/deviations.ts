/**
 * Where Celery itself leaves somebody waiting, or does what nobody asked for: data, found by running these very canvases on
 * Celery alone. All are faults or gaps of Celery that Lovage does not repeat; what was ours to mend is mended and not listed.
 * A canvas is touched where the evaluator finds that Celery has a hand in it. One that `shows: "less"` may lack what the
 * evaluator expects and never show anything else; one that shows `"other"` is not compared at all. On Lovage alone nothing is
 * excused.
 */
export const deviations = {
  "chord-error-inside-chord": {
    shows: "less",
    reason: "the failure of an inner chord is stored for its body alone: the outer chord is never told, and its body waits for ever",
  },
  "chord-error-of-group-body": {
    shows: "less",
    reason: "the members of a group whose chord failed are revoked before they are failed: whether REVOKED or the error stays is chance",
  },
  "chord-error-before-later-step": {
    shows: "less",
    reason: "steps behind a chord that failed, where they are not part of its body, stay PENDING",
  },
  "chord-error-of-composed-body": {
    shows: "less",
    reason:
      "a failed chord whose body is a chain, a chord, or a group of them: the error is stored under an id that nobody waits for, or under none",
  },
  "chain-error-before-composition": {
    shows: "less",
    reason: "a failed chain ends later steps that are plain tasks; members of groups and bodies of chords among them stay PENDING",
  },
  "failing-group-inside-chord": {
    shows: "other",
    reason:
      "a chord whose header holds a group that fails joins results by their ids (backends/redis.py on_chord_part_return): it may wait for one that is never stored, and calls it `Join error`; where the group is empty it finds nothing that failed, and runs the body",
  },
  "ignored-beside-group": {
    shows: "other",
    reason:
      "a chord whose header holds a group joins results by their ids without waiting (backends/redis.py on_chord_part_return): one that was to be ignored is not stored, and null for the body",
  },
  "size-of-inner-group": {
    shows: "other",
    reason: "a group that ends a chain in a chord's header writes its size over the chord's: the body may get null for what still runs",
  },
  "group-and-chord-inside-chord": {
    shows: "other",
    reason: "a chord whose header ends in a group and in a chord joins results by their ids: the chord's own is not among them",
  },
  "link-of-chain-ending-in-chord": {
    shows: "other",
    reason: "a link on a chain that ends in a chord reaches its header, and is refused there with a TypeError; the step before it fails",
  },
  "group-body-then-step": {
    shows: "other",
    reason: "a chain after a chord that ends in a group is sent once by every member of that group, or refused with an AttributeError",
  },
  "group-of-one": {
    shows: "other",
    reason:
      "a group of one in a chain is its member; for Celery not right behind a group that begins the chain, nor where it holds another group of one or stands beside empty ones",
  },
  "links-of-replacing-chain": {
    shows: "other",
    reason:
      "what is linked to a chain that replaces a task, or to that task, is sent twice: app/task.py Task.replace puts it on the last step and leaves it on the chain",
  },
  "links-of-joined-chain": {
    shows: "other",
    reason:
      "what is linked to a chain that ends in a group or chord and is a chord's body, or that has two groups in a row, reaches other steps as well",
  },
  "errback-of-first-step": {
    shows: "less",
    reason:
      "a failed chord whose body is composed, also by `chord | step`, calls no errbacks of what would have run first in it; Lovage does",
  },
  "errback-inside-header": {
    shows: "less",
    reason:
      "what is linked to a chord reaches the chords in its header, but not inside a group there, nor from a chain that the chord is a step of",
  },
  "errback-of-inner-chord": {
    shows: "other",
    reason:
      "an errback of a chord is called for each chord in its header that fails, with the id of that one's end, and again where another member fails (backends/base.py chord_error_from_stack); Lovage calls it once, for the outermost",
  },
  "replaced-by-chord-inside-chord": {
    shows: "other",
    only: "5.2",
    reason: "it gives all members of a group or chord that replaces a part of a chord that part's index: their order is chance",
  },
  "errback-of-header-chord": {
    shows: "less",
    only: "5.2",
    reason: "what is linked to a chord reaches its body alone, and no chord in its header (canvas.py _chord.link_error)",
  },
  "added-to-chord-with-empty-body": {
    shows: "less",
    reason:
      "what is added to a chord whose body is an empty group is refused: an empty group counts as no chord (app/task.py Task.add_to_chord)",
  },
  "added-chord-ending-in-chain": {
    shows: "less",
    only: "5.6",
    reason:
      "a chord whose body is a chain, added to a chord: its end reports for the added chord's header, and the chord around it waits for ever (canvas.py _chord.run freezes the body with the header's group_id)",
  },
  "replaced-by-empty-group": { shows: "less", reason: "a task that is replaced by an empty group never ends" },
  "step-after-group-body": {
    shows: "other",
    reason: "a group after a chord whose body ends in a group is sent by every member of that group",
  },
  "groups-in-a-row": {
    shows: "other",
    only: "5.2",
    reason: "what follows two groups in a row, or a chord whose body ends in a group, may be sent by every member of the last group",
  },
  "chain-with-chord-for-body": {
    shows: "other",
    only: "5.2",
    reason: "a chord whose body is a chain with a chord in it is refused in a chain with a RuntimeError: recursive result parents",
  },
  "chord-in-group-inside-chord": {
    shows: "other",
    only: "5.2",
    reason: "a chord in a group, in which a chain in another chord's header ends, loses its body",
  },
  "ignored-error": {
    shows: "other",
    only: "5.2",
    reason: "the error of a call whose result was to be ignored is stored all the same",
  },
  "stamps-of-replacement": {
    shows: "other",
    reason: "what replaces a stamped task is not stamped; in Lovage it is: who revokes by a stamp means it too",
  },
  "ignored-retry": { shows: "other", reason: "a retry forgets that its result was to be ignored" },
  "empty-body": {
    shows: "other",
    reason: "a chord whose body is an empty group is refused with an AttributeError, by whoever sends what it is a part of",
  },
  "map-without-options": {
    shows: "other",
    reason: "a map or starmap loses its options where the program that composed it sends it: id, links, stamps, its place in a chord",
  },
  "member-ends-in-nothing": {
    shows: "less",
    reason: "a chord with a member that ends in an empty group waits for ever, or is refused with an AttributeError",
  },
  "stamps-of-chord-body": {
    shows: "other",
    reason: "the body of a chord, and so what follows a group in a chain, is left out where a composition is stamped: Lovage stamps it",
  },
  "chord-error": {
    shows: "other",
    only: "5.2",
    reason: "a failed chord calls errbacks of its header and without an id, and leaves the members of a body that is a group PENDING",
  },
  "links-of-inner-chain": {
    shows: "other",
    only: "5.2",
    reason: "what is linked to a chain inside a chain is lost, or called without an id",
  },
} as const satisfies Record<string, Known>;

interface Known {
  readonly shows: "less" | "other";
  /** Of Celery; absent: both. */
  readonly only?: "5.2" | "5.6";
  readonly reason: string;
}

export type Deviation = keyof typeof deviations;

/** Whether this Celery is known for it. */
export const isExcused = (name: Deviation, celery: string): boolean => {
  const { only }: Known = deviations[name];
  return only === undefined || celery.startsWith(only);
};
