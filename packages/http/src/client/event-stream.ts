/** Reads server-sent events: blocks of `id`, `event` and `data` lines; comments are keep-alives. */
export interface ServerSent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

export async function* serverSent(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (text + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parse(block: string): ServerSent | undefined {
  const values = (name: string) =>
    block
      .split(/\r?\n/)
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).replace(/^ /, ""));
  const data = values("data");
  return data.length === 0 ? undefined : { id: values("id").at(-1), event: values("event").at(-1) ?? "message", data: data.join("\n") };
}
