// Hears of changes by server-sent events. It tells that something happened, and the pages read again what they show: so a missed event
// costs nothing once the connection is back. Read by hand rather than with EventSource, which drops events whose name it was not told.
import { base, me } from "./api.ts";
import { Store } from "./store.ts";

export type Connection = "connecting" | "live" | "lost";
export const connection = new Store<Connection>("connecting");

export interface Notice {
  event: string;
  data: string;
}
// What happened: the ledger's word for it; a notice that is not kept goes by its own name.
export function what_of(notice: Notice): string {
  return notice.event === "ledger" ? (/"what":"([^"]*)"/.exec(notice.data)?.[1] ?? "") : notice.event;
}
type Listener = (notice: Notice) => void;
const listeners = new Set<Listener>();

export function on_notice(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
function tell(notice: Notice): void {
  for (const listener of [...listeners]) listener(notice);
}

// One frame of the stream: lines up to a blank one. Comments (the server's sign of life) have no data.
export function parse_frame(frame: string): Notice | undefined {
  let event = "message";
  const data: string[] = [];
  for (const line of frame.split(/\r\n|\n|\r/)) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return data.length || event !== "message" ? { event, data: data.join("\n") } : undefined;
}

async function read(signal: AbortSignal, opened: () => void): Promise<void> {
  const response = await fetch(`${base}/events`, { headers: { accept: "text/event-stream" }, cache: "no-store", signal });
  if (response.status === 401) me.value = null;
  if (!response.ok || !response.body) throw new Error(`events: ${response.status}`);
  opened();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const frames = (rest + value).split(/\r?\n\r?\n/);
    rest = frames.pop() ?? "";
    for (const frame of frames) {
      const notice = parse_frame(frame);
      if (notice) tell(notice);
    }
  }
}

const wait_ms_min = 500;
const wait_ms_max = 10_000;
const unseen_ms_max = 5_000; // a tab nobody looks at gives its connection back: a browser opens only six to one server

// Ends when the tab has been out of sight for a while; `signal` ends it at once.
function while_seen(signal: AbortSignal): { signal: AbortSignal; done: () => void } {
  const stop = new AbortController();
  let timer = 0;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => stop.abort(), unseen_ms_max);
  };
  document.addEventListener("visibilitychange", look);
  look();
  return {
    signal: AbortSignal.any([signal, stop.signal]),
    done: () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    },
  };
}

function seen_again(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
  });
}

// Until stopped: connects, listens, and connects again after a pause that doubles while the server is away.
export function listen_for_changes(): () => void {
  const stop = new AbortController();
  void (async () => {
    let wait_ms = wait_ms_min;
    let first = true;
    while (!stop.signal.aborted) {
      const seen = while_seen(stop.signal);
      try {
        await read(seen.signal, () => {
          connection.value = "live";
          wait_ms = wait_ms_min;
          if (!first) tell({ event: "reconnected", data: "" });
        });
      } catch {
        // told by `connection`
      }
      seen.done();
      first = false;
      if (stop.signal.aborted) break;
      if (document.hidden) {
        await seen_again();
        continue;
      }
      connection.value = "lost";
      await new Promise((done) => setTimeout(done, wait_ms));
      wait_ms = Math.min(wait_ms * 2, wait_ms_max);
    }
  })();
  return () => stop.abort();
}
