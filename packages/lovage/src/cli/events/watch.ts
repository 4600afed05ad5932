/** The live screen: events into the cluster's state, the state onto the terminal, keys to the screen and to the nodes. */
import { ClusterState } from "../../events/cluster-state.ts";
import { maskSecrets } from "../../kernel/mask-secrets.ts";
import type { Connection } from "../connect.ts";
import { asJson } from "../output.ts";
import { pageOf, render, type Scene } from "./render.ts";
import { firstScreen, press, type Screen, type Wish } from "./screen.ts";
import { Terminal } from "./terminal.ts";

/** Events may come by the thousand: what changed is drawn after so long; also without any, as nodes fall silent. */
const drawAfterMs = 100;
const drawEveryMs = 1000;
/** How far one can scroll. */
const listed = 1000;

/** Until it is quit, or `signal` aborts. */
export async function watchEvents({ config, control, events }: Connection, signal: AbortSignal): Promise<void> {
  const state = new ClusterState();
  const terminal = new Terminal();
  const quit = new AbortController();
  const ended = AbortSignal.any([signal, quit.signal]);
  let screen = firstScreen;
  const sceneOf = (): Scene => ({
    title: `lovage events  ${maskSecrets(config.broker)}`,
    screen,
    tasks: state.latestTasks(listed),
    alive: state.aliveWorkers().map(({ hostname }) => hostname),
    workerCount: state.workers.size,
    eventCount: state.eventCount,
    taskCount: state.taskCount,
  });
  const draw = () => terminal.draw(render(sceneOf(), terminal.size));
  const show = (next: Screen) => {
    screen = next;
    draw();
  };
  const grant = async (wish: Wish): Promise<void> => {
    if (wish.kind === "quit") return quit.abort();
    const title = wish.kind === "revoke" ? `Revoke ${wish.id}` : `Rate limit of ${wish.task}: ${wish.rate}`;
    const asked = wish.kind === "revoke" ? control.revoke(wish.id) : control.rateLimit(wish.task, wish.rate);
    const lines = await asked.then(linesOf, (error: Error) => [error.message]);
    if (!ended.aborted) show({ ...screen, over: { kind: "answers", title, lines } });
  };
  const pressed = (key: string) => {
    const { screen: next, wish } = press(screen, key, state.latestTasks(listed), pageOf(terminal.size));
    show(next);
    if (wish !== undefined) void grant(wish);
  };
  const pulse = setInterval(draw, drawEveryMs);
  try {
    terminal.open(pressed, draw);
    draw();
    await gather(events.capture({ signal: ended }), state, draw);
  } finally {
    clearInterval(pulse);
    terminal.close();
  }
}

async function gather(events: ReturnType<Connection["events"]["capture"]>, state: ClusterState, draw: () => void) {
  let due: NodeJS.Timeout | undefined;
  const drawDue = () => {
    due = undefined;
    draw();
  };
  try {
    for await (const event of events) {
      state.apply(event);
      due ??= setTimeout(drawDue, drawAfterMs);
    }
  } finally {
    clearTimeout(due);
  }
}

function linesOf(replies: Readonly<Record<string, unknown>>): readonly string[] {
  const lines = Object.entries(replies).map(([node, answer]) => {
    const { ok, error } = (answer ?? {}) as { readonly ok?: unknown; readonly error?: unknown };
    return `${node}: ${error !== undefined ? `error: ${error}` : (ok ?? asJson(answer))}`;
  });
  return lines.length > 0 ? lines : ["No node answered within 1 s."];
}
