// The ledger: who did what on what evidence, newest first. It may hold hundreds of thousands of events: pages are read by key as the list is
// scrolled, and only the rows in sight exist.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api.ts";
import { on_notice } from "../live.ts";
import { link } from "../route.ts";
import type { ChainState, LedgerEvent, List } from "../types.ts";
import { moment, short, tone, who } from "../words.ts";
import { Card, Empty, Time, Trouble } from "../parts/basic.tsx";
import { LongList } from "../parts/long_list.tsx";

const page_events = 200;

// The event's data in one line: the values people look for, less what the reader knows from the place it stands in.
function gist(data: unknown, known: string[] = []): string {
  if (typeof data !== "object" || data === null) return "";
  return Object.entries(data)
    .filter(([name, value]) => !known.includes(name) && ((typeof value === "string" && value !== "") || typeof value === "number" || typeof value === "boolean"))
    .map(([name, value]) => `${name} ${typeof value === "string" && /^[0-9a-f]{32,}$/.test(value) ? short(value) : value}`)
    .join(", ");
}

function What({ event }: { event: LedgerEvent }) {
  const last = event.what.split(".").at(-1) ?? "";
  return <span class={`what ${tone(last)}`}>{event.what}</span>;
}

function place_of({ kind, id }: LedgerEvent["subject"]): string | undefined {
  if (kind === "model") return link("models", id);
  if (kind === "flow") return link("ledger", id);
  const [model, version] = id.split("@");
  return kind === "version" && model && version ? link("models", model, version) : undefined;
}

function Subject({ event }: { event: LedgerEvent }) {
  const { kind, id } = event.subject;
  const to = place_of(event.subject);
  return (
    <>
      <span class="quiet">{kind}</span> {to ? <a href={to} tabIndex={-1}>{id}</a> : id}
    </>
  );
}

// Of one flow, so its model, version and commit need not be said again.
const known_in_a_flow = ["model", "version", "commit", "endpoint", "subject", "subject_kind", "flow", "repo"];

export function Happened({ events }: { events: LedgerEvent[] }) {
  return (
    <ol class="happened">
      {events.map((event) => (
        <li key={event.seq}>
          <span class="quiet"><Time at={event.at} /></span>
          <What event={event} />
          <span class="cut">
            <b>{who(event.by)}</b> <span class="quiet">{gist(event.data, known_in_a_flow)}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

function Detail({ event, close }: { event: LedgerEvent; close: () => void }) {
  const facts: [string, string][] = [
    ["Number", String(event.seq)],
    ["Time", `${moment(event.at)} UTC`],
    ["Subject", `${event.subject.kind} ${event.subject.id}`],
    ["By", who(event.by)],
    ["Flow", event.flow],
    ["Cause", event.cause],
    ["Hash", event.hash],
    ["Before it", event.prev],
  ];
  return (
    <Card title={event.what} aside={<button type="button" class="plain" onClick={close}>Close</button>}>
      <dl class="facts">
        {facts.filter(([, value]) => value).map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd class="long-word">{value}</dd>
          </>
        ))}
      </dl>
      <pre tabIndex={0} aria-label="Data">{JSON.stringify({ data: event.data, digests: event.digests }, null, 2)}</pre>
    </Card>
  );
}

interface Read {
  events: LedgerEvent[];
  next: string;        // where the older ones go on; empty at the first event of all
  busy: boolean;
  want: { newer: boolean; older: boolean }; // asked for while it was busy
}

// The events read so far, newest first, in one array that grows at both ends; one read at a time.
function useLedger(query: { flow: string; what: string }) {
  const [events, set_events] = useState<LedgerEvent[]>();
  const [problem, set_problem] = useState<Error>();
  const ask_older = useRef<() => void>(() => {});

  useEffect(() => {
    const stop = new AbortController();
    const mine: Read = { events: [], next: "", busy: false, want: { newer: false, older: false } };
    const read = (order: "newest" | "oldest", after: string | number) =>
      get<List<LedgerEvent>>("/ledger", { ...query, order, after, limit: page_events }, stop.signal);
    const work = async (step: () => Promise<void>) => {
      mine.busy = true;
      try {
        await step();
        set_problem(undefined);
      } catch (refused) {
        if (!stop.signal.aborted) set_problem(refused as Error);
      }
      mine.busy = false;
      if (stop.signal.aborted) return;
      set_events(mine.events);
      if (mine.want.newer) newer();
      else if (mine.want.older) older();
    };
    const newer = () => {
      mine.want.newer = mine.busy;
      if (mine.busy) return;
      void work(async () => {
        const newest = mine.events[0];
        if (!newest) {
          const found = await read("newest", 0);
          mine.events = found.items;
          mine.next = found.next;
          return;
        }
        for (let after = newest.seq; ; after = mine.events[0]!.seq) {
          const found = await read("oldest", after);
          mine.events = [...found.items.reverse(), ...mine.events];
          if (!found.items.length || !found.next) return;
        }
      });
    };
    const older = () => {
      mine.want.older = mine.busy;
      if (mine.busy || !mine.next) return;
      void work(async () => {
        const found = await read("newest", mine.next);
        mine.events = [...mine.events, ...found.items];
        mine.next = found.next;
      });
    };
    ask_older.current = older;
    set_events(undefined);
    newer();
    const leave = on_notice(newer);
    return () => {
      stop.abort();
      leave();
    };
  }, [query.flow, query.what]);
  return { events, problem, older: () => ask_older.current() };
}

function Chain() {
  const [state, set_state] = useState<ChainState | "reading">();
  const [problem, set_problem] = useState<Error>();
  const verify = async () => {
    set_state("reading");
    set_problem(undefined);
    try {
      set_state(await get<ChainState>("/ledger/verify"));
    } catch (refused) {
      set_state(undefined);
      set_problem(refused as Error);
    }
  };
  return (
    <span class="chain">
      <span role="status">
        {state === "reading"
          ? "Reading every event…"
          : state && (state.whole ? `The chain of ${state.events.toLocaleString("en")} events is whole.` : `Broken at event ${state.broken_at}: ${state.reason}`)}
      </span>
      <Trouble problem={problem} />
      <button type="button" disabled={state === "reading"} onClick={verify}>Verify the chain</button>
    </span>
  );
}

const kinds = ["", "flow.", "gate.", "approval.", "rollout.", "version.", "alias.", "plan.", "repo.", "run.", "task.", "comment."];

export function LedgerPage({ flow }: { flow: string }) {
  const [what, set_what] = useState("");
  const ledger = useLedger({ flow, what });
  const [picked, set_picked] = useState<LedgerEvent>();
  useEffect(() => {
    document.title = "Ledger · pawl";
  }, []);
  return (
    <main id="main" tabIndex={-1} class="ledger">
      <header class="title">
        <h1>Ledger</h1>
        {flow && (
          <span class="alias">
            flow {flow} <a href={link("ledger")} aria-label="All flows">×</a>
          </span>
        )}
        <label>
          Events{" "}
          <select value={what} onChange={(event) => set_what(event.currentTarget.value)}>
            {kinds.map((kind) => (
              <option key={kind} value={kind}>{kind ? `${kind.slice(0, -1)}s` : "all"}</option>
            ))}
          </select>
        </label>
        <Chain />
      </header>
      <Trouble problem={ledger.problem} />
      <div class={picked ? "sides" : ""}>
        <div class="card">
          {ledger.events?.length === 0 && <Empty>Nothing has happened yet.</Empty>}
          {ledger.events !== undefined && ledger.events.length > 0 && (
            <LongList
              label="Events"
              class="events"
              items={ledger.events}
              row_px={36}
              height_max="calc(100vh - 12.5rem)"
              key_of={(event) => event.seq}
              selected={picked?.seq}
              on_open={set_picked}
              on_end={ledger.older}
              head={
                <>
                  <span class="num">No.</span>
                  <span>Time (UTC)</span>
                  <span>What</span>
                  <span>Subject</span>
                  <span>By</span>
                  <span>Data</span>
                </>
              }
              row={(event) => (
                <>
                  <span class="num quiet">{event.seq}</span>
                  <span class="quiet">{moment(event.at)}</span>
                  <span><What event={event} /></span>
                  <span class="cut"><Subject event={event} /></span>
                  <span class="cut">{who(event.by)}</span>
                  <span class="cut quiet">{gist(event.data)}</span>
                </>
              )}
            />
          )}
        </div>
        {picked && (
          <aside aria-label="The event">
            <Detail event={picked} close={() => set_picked(undefined)} />
          </aside>
        )}
      </div>
    </main>
  );
}
