/**
 * Celery's `task_allow_error_cb_on_chord_header`: what is linked to a chord as its errback is linked to each task of its header
 * too, immutable, so that it is called for every member that fails and once more for the body. Python decides this as the link
 * is made; here nobody knows the setting before the chord is sent, so the chord notes its errbacks until then.
 */
import type { Signature, SignatureOptions } from "../message/task-message.ts";
import { addLinks, asList, bodyOf, headerErrbacks, headerOf, noted, stepsOf, tasksOf, withoutChunks } from "./steps.ts";

export function withErrbacksOnHeaders(given: Signature): Signature {
  const signature = withoutChunks(given);
  const { link, link_error, ...options } = signature.options;
  switch (signature.subtask_type) {
    case "chain":
      return { ...signature, kwargs: { tasks: stepsOf(signature).map(withErrbacksOnHeaders) }, options };
    case "group":
      return { ...signature, kwargs: { ...signature.kwargs, tasks: tasksOf(signature).map(withErrbacksOnHeaders) } };
    case "chord":
      return onHeader(signature);
    default:
      return link ? { ...signature, options: { ...signature.options, link: asList(link).map(withErrbacksOnHeaders) } } : signature;
  }
}

function onHeader(chord: Signature): Signature {
  const errbacks = [...noted(chord), ...asList(chord.options.link_error)].map((errback) => ({ ...errback, immutable: true }));
  const group = headerOf(chord);
  const tasks = tasksOf(group).map((member) => withErrbacksOnHeaders(linkedMember(member, errbacks)));
  const header = Array.isArray(chord.kwargs.header) ? tasks : { ...group, kwargs: { ...group.kwargs, tasks } };
  const body = bodyOf(chord);
  return { ...chord, kwargs: { ...chord.kwargs, header, body: body && withErrbacksOnHeaders(body) } };
}

/** A chord in the header has the errbacks on its body already. */
function linkedMember(member: Signature, errbacks: readonly Signature[]): Signature {
  if (errbacks.length === 0) return member;
  if (member.subtask_type !== "chord") return addLinks(member, [], errbacks);
  return { ...member, options: { ...member.options, [headerErrbacks]: [...noted(member), ...errbacks] } as SignatureOptions };
}
