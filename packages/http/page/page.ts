/**
 * The job service's page: takes files, shows how their jobs stand, hands out what they made. Everything it knows of a job is in
 * this tab's storage, so that a reload goes on where it was. Whatever a server or a file name says is set as text, never as markup.
 */
interface Remembered {
  readonly id: string;
  readonly token: string | undefined;
  readonly title: string;
}

interface JobView {
  readonly job_id: string;
  readonly status: "queued" | "processing" | "complete" | "error";
  readonly progress: number;
  readonly step: string | null;
  readonly cancelling?: boolean;
  readonly position?: number | null;
  readonly position_over?: number;
  readonly starts_in_seconds?: number | null;
  readonly outputs?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly access_token?: string;
}

/** Where the service is mounted, without a slash at the end. */
const base = location.pathname.replace(/\/+$/, "");
const find = <T extends HTMLElement>(selector: string, within: ParentNode = document): T => within.querySelector(selector) as T;
const form = find<HTMLFormElement>("#form");
const chooser = find<HTMLInputElement>("#files");
const keyField = find<HTMLInputElement>("#key");
/** Not on the form: there a field of the pipeline's own could be called `dataset`. */
const facts = find("main").dataset;
const rules = { maxBytes: Number(facts.maxBytes), maxFiles: Number(facts.maxFiles) };
/** A browser opens six connections to a server: those that listen leave some for uploads and buttons. */
const mostListening = 3;
let listening = 0;
const lookMs = 3000;

/** An answer that is no success, in the service's words. */
class Refusal extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(`${message} (${code})`);
    this.code = code;
    this.status = status;
  }
}

const storage = {
  key: () => sessionStorage.getItem("lovage-key") ?? "",
  jobs: (): readonly Remembered[] => JSON.parse(sessionStorage.getItem(`lovage-jobs ${base}`) ?? "[]"),
  keep: (jobs: readonly Remembered[]) => sessionStorage.setItem(`lovage-jobs ${base}`, JSON.stringify(jobs)),
};

function headersFor(token: string | undefined): Record<string, string> {
  const key = storage.key();
  return { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(key ? { "x-api-key": key } : {}) };
}

async function call(path: string, token: string | undefined, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`${base}${path}`, { ...init, headers: { ...headersFor(token), ...(init.headers as object) } });
  if (!response.ok) throw refusalOf(response.status, await response.text());
  return response;
}

function refusalOf(status: number, body: string): Refusal {
  if (status === 401 || status === 403) find("#key-field").hidden = false;
  try {
    const { code, message } = JSON.parse(body) as { readonly code: string; readonly message: string };
    return new Refusal(code, message, status);
  } catch {
    return new Refusal(`HTTP ${status}`, "The service did not answer as it should.", status);
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

let newsTimer: ReturnType<typeof setTimeout> | undefined;
/** Read out by screen readers; of several at once the last, so that progress does not talk without end. */
function announce(text: string): void {
  clearTimeout(newsTimer);
  newsTimer = setTimeout(() => {
    find("#news").textContent = text;
  }, 250);
}

/** One job on the page. */
class Card {
  readonly title: string;
  readonly root: HTMLElement;
  #job: Remembered | undefined;
  #said = "";
  #ended = false;
  #stop: () => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the last event that was seen. */
  #last = "";

  constructor(title: string) {
    this.title = title;
    this.root = (find<HTMLTemplateElement>("#job").content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    find("h3", this.root).textContent = title;
    find("progress", this.root).setAttribute("aria-label", `Progress of ${title}`);
    for (const name of ["cancel", "take", "delete"]) {
      const button = find<HTMLButtonElement>(`.${name}`, this.root);
      button.setAttribute("aria-label", `${button.textContent} ${title}`);
      button.addEventListener("click", () => void this.#do(name).catch((error: unknown) => this.#say(wordsOf(error))));
    }
    this.#offer("cancel");
    find("#jobs").prepend(this.root);
    find("#none").hidden = true;
  }

  async upload(files: readonly File[]): Promise<void> {
    const request = new XMLHttpRequest();
    this.#stop = () => request.abort();
    const view = await send(request, files, (share) => {
      this.#show(share);
      this.#say(share < 1 ? `Uploading: ${percent(share)}` : "Uploaded: waiting for an answer");
    });
    this.follow({ id: view.job_id, token: view.access_token, title: this.title });
    storage.keep([...storage.jobs(), this.#job as Remembered]);
  }

  fail(error: unknown): void {
    this.root.className = "error";
    find("progress", this.root).hidden = true;
    this.#offer("delete");
    this.#say(wordsOf(error));
  }

  follow(job: Remembered): void {
    this.#job = job;
    const stop = new AbortController();
    this.#stop = () => stop.abort();
    this.#show(0);
    void this.#follow(job, stop.signal);
  }

  /** Until the job's end, however often the connection breaks. Where enough others listen, it looks now and then. */
  async #follow(job: Remembered, signal: AbortSignal): Promise<void> {
    for (let pause = 500; !signal.aborted; ) {
      try {
        if (listening < mostListening) await this.#listen(job, signal, () => (pause = 500));
        else {
          await this.#look();
          pause = lookMs;
        }
        if (this.#ended) return;
      } catch (error) {
        if (signal.aborted) return;
        const refused = error instanceof Refusal && error.status < 500;
        if (refused && error.status !== 429) return this.fail(error);
        this.#say(refused ? wordsOf(error) : "The connection is lost; trying again …");
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(2 * pause, 10_000);
    }
  }

  /** Until the connection ends: the service is told which event was seen last. */
  async #listen({ id, token }: Remembered, signal: AbortSignal, onEvent: () => void): Promise<void> {
    listening += 1;
    try {
      const response = await call(`/events/${id}`, token, { signal, headers: this.#last ? { "last-event-id": this.#last } : {} });
      // 204: nothing comes after the last event, which was read and perhaps not shown.
      if (response.status === 204) return await this.#look();
      for await (const { id: seen, name, data } of eventsOf(response)) {
        this.#last = seen ?? this.#last;
        onEvent();
        // Others are the task's own.
        if (name !== "status" && name !== "progress" && name !== "end") continue;
        this.#view(data);
        if (isEnded(data)) return;
      }
    } finally {
      listening -= 1;
    }
  }

  /** Events tell of what a job does; its place in the queue is what others do. */
  #lookAgain(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      if (this.root.className === "queued") await this.#look().catch(() => this.#lookAgain());
    }, lookMs);
  }

  async #look(): Promise<void> {
    const job = this.#job;
    if (job) this.#view((await (await call(`/status/${job.id}`, job.token)).json()) as JobView);
  }

  /** An answer to what was asked before the end may come after it. */
  #view(view: JobView): void {
    const ended = isEnded(view);
    if (this.#ended && !ended) return;
    this.#ended = ended;
    this.root.className = view.status;
    if (view.status === "queued") this.#lookAgain();
    this.#show(view.progress);
    this.#say(sentence(view));
    find("progress", this.root).hidden = ended;
    find(".outputs", this.root).textContent = view.outputs?.join(", ") ?? "";
    this.#offer(...(view.status === "complete" ? ["take", "delete"] : ended ? ["delete"] : ["cancel"]));
  }

  async #do(what: string): Promise<void> {
    const job = this.#job;
    if (!job) {
      this.#stop();
      return this.#remove();
    }
    if (what === "take") return take(job);
    if (what === "cancel") return this.#view((await (await call(`/cancel/${job.id}`, job.token, { method: "POST" })).json()) as JobView);
    try {
      await call(`/jobs/${job.id}`, job.token, { method: "DELETE" });
    } catch (error) {
      // Gone already: so it is here.
      if (!(error instanceof Refusal && [404, 410].includes(error.status))) throw error;
    }
    this.#stop();
    this.#remove();
  }

  #remove(): void {
    storage.keep(storage.jobs().filter(({ id }) => id !== this.#job?.id));
    this.root.remove();
    find("#none").hidden = find("#jobs").childElementCount > 0;
    // The button that had the focus is gone with its job.
    find("#jobs-title").focus();
    announce(`${this.title}: removed`);
  }

  #offer(...names: readonly string[]): void {
    for (const button of this.root.querySelectorAll("button")) {
      const offered = names.includes(button.className);
      // A button that vanishes under the focus would take it to the top of the page.
      if (!offered && button === document.activeElement) {
        const next = find<HTMLElement>("h3", this.root);
        next.tabIndex = -1;
        next.focus();
      }
      button.hidden = !offered;
    }
  }

  #show(share: number): void {
    find<HTMLProgressElement>("progress", this.root).value = share;
  }

  #say(text: string): void {
    if (text === this.#said) return;
    this.#said = text;
    find(".state", this.root).textContent = text;
    announce(`${this.title}: ${text}`);
  }
}

const isEnded = ({ status }: Pick<JobView, "status">): boolean => status === "complete" || status === "error";
const percent = (share: number): string => `${Math.round(100 * share)} %`;

function sentence(view: JobView): string {
  if (view.error) return `${view.error.message} (${view.error.code})`;
  if (view.status === "complete") return "Complete";
  if (view.cancelling) return "Being cancelled";
  if (view.status === "queued") return `Waiting${placeOf(view)}`;
  return `${view.step ?? "Working"}: ${percent(view.progress)}`;
}

function placeOf({ position, position_over, starts_in_seconds }: JobView): string {
  const place = position ? `: number ${position} in the queue` : position_over ? `: behind more than ${position_over} others` : "";
  if (typeof starts_in_seconds !== "number" || starts_in_seconds < 1) return place;
  const [amount, unit] = starts_in_seconds < 90 ? [starts_in_seconds, "seconds"] : [starts_in_seconds / 60, "minutes"];
  return `${place}, likely to begin in ${Math.ceil(amount)} ${unit}`;
}

/** XMLHttpRequest, as fetch does not say how much of a body is on its way. */
function send(request: XMLHttpRequest, files: readonly File[], onProgress: (share: number) => void): Promise<JobView> {
  // The pipeline's own fields: nothing else in the form has a name.
  const body = new FormData(form);
  for (const [name, value] of [...body]) if (value === "") body.delete(name);
  for (const file of files) body.append("file", file);
  return new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0));
    request.addEventListener("load", () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText) as JobView);
      else reject(refusalOf(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(new Refusal("NETWORK", "The upload broke off: the service cannot be reached.", 0)));
    request.open("POST", `${base}${facts.uploadPath}`);
    for (const [name, value] of Object.entries(headersFor(undefined))) request.setRequestHeader(name, value);
    request.send(body);
  });
}

/** A link takes a file of any size, but cannot say why there is none: that is asked for first, with a single byte. */
async function take({ id, token }: Remembered): Promise<void> {
  await call(`/download/${id}`, token, { headers: { range: "bytes=0-0" } });
  const link = document.createElement("a");
  link.href = `${base}/download/${id}${token ? `?token=${encodeURIComponent(token)}` : ""}`;
  link.download = `${id}.zip`;
  link.click();
}

interface JobEvent {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly data: JobView;
}

/** Server-sent events, read by hand: an EventSource cannot carry a token either. */
async function* eventsOf(response: Response): AsyncGenerator<JobEvent> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        // Not by an expression: to those a line ends at U+2028 too, which JSON may hold.
        const lines = block.split("\n");
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = field("data");
        if (data !== undefined) yield { id: field("id"), name: field("event"), data: JSON.parse(data) as JobView };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** One job of all files where the service takes several at once, else one each. */
function takeIn(files: readonly File[]): void {
  const large = files.find((file) => file.size > rules.maxBytes);
  find("#refusal").textContent = large ? `${large.name} is larger than the service takes. (UPLOAD_TOO_LARGE)` : "";
  if (large || files.length === 0 || !form.reportValidity()) return;
  const jobs = files.length <= rules.maxFiles ? [files] : files.map((file) => [file]);
  for (const job of jobs) {
    const [first] = job as [File];
    const card = new Card(job.length === 1 ? first.name : `${first.name} and ${job.length - 1} more`);
    card.upload(job).catch((error: unknown) => card.fail(error));
  }
}

chooser.addEventListener("change", () => {
  takeIn([...(chooser.files ?? [])]);
  // So that the same file can be chosen again.
  chooser.value = "";
});
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  // On the whole page: a file that is dropped beside the frame must not replace the page.
  document.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") takeIn([...((event as DragEvent).dataTransfer?.files ?? [])]);
  });
}
form.addEventListener("submit", (event) => event.preventDefault());
keyField.value = storage.key();
keyField.addEventListener("change", () => sessionStorage.setItem("lovage-key", keyField.value));
for (const job of storage.jobs()) new Card(job.title).follow(job);

export {};
