// The ledger: who did what on what evidence, newest first. It may hold hundreds of thousands of events: pages are read by key as the list is
// scrolled, and only the rows in sight exist.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api.ts";
import { on_notice } from "../live.ts";
import { filter_by, link } from "../route.ts";
import type { AlarmTold, ChainState, LedgerEvent, List, Overview, StoryOf } from "../types.ts";
import { days, moment, number, plainly, short, tone, who } from "../words.ts";
import { useLoad } from "../load.ts";
import { Card, Empty, Show, Time, Trouble } from "../parts/basic.tsx";
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

// What an event says, for people: windows and alarms in their own words, others by the values in their data.
function told({ what, data, subject }: LedgerEvent): string {
  const said = data as Partial<AlarmTold & { start: string; end: string; rows: number; tested: number; drifted: number; until: string }>;
  if (what.startsWith("window.") && said.start && said.end) {
    return `${days(said.start, said.end)}: ${said.rows ? `${said.drifted} of ${said.tested} columns drifted, ${said.rows.toLocaleString("en")} rows` : "no rows"}`;
  }
  if (/^alarm\.(opened|continued|closed)$/.test(what) && said.kind) {
    const of = said.kind === "drift" ? `drift of ${said.columns?.join(", ") || "the endpoint"}` : said.kind === "column" ? `column ${said.column}` : `performance, ${said.column}`;
    return `${of}: ${number(said.statistic)} against ${number(said.limit)}${said.reason ? `; ${plainly(said.reason)}` : ""}`;
  }
  if (what === "retrain.held" && said.reason) return plainly(said.reason);
  return gist(data, ["id", "repo", "commit"]) || `${subject.kind} ${subject.id}`;
}

function What({ event }: { event: LedgerEvent }) {
  const last = event.what.split(".").at(-1) ?? "";
  return <span class={`what ${tone(last)}`}>{event.what}</span>;
}

function place_of({ subject: { kind, id }, data }: LedgerEvent): string | undefined {
  const endpoint = (data as { endpoint?: unknown } | null)?.endpoint;
  if (kind === "endpoint") return link("endpoints", id);
  if (typeof endpoint === "string" && /^(window|alarm|rollout)$/.test(kind)) return link("endpoints", endpoint);
  if (kind === "model") return link("models", id);
  if (kind === "flow") return link("flows", id);
  const [model, version] = id.split("@");
  return kind === "version" && model && version ? link("models", model, version) : undefined;
}

function Subject({ event }: { event: LedgerEvent }) {
  const { kind, id } = event.subject;
  const to = place_of(event);
  return (
    <>
      <span class="quiet">{kind}</span> {to ? <a href={to} tabIndex={-1} title={id}>{/^[0-9a-f]{16}$/.test(id) ? short(id) : id}</a> : id}
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
            <b>{who(event.by)}</b> <span class="quiet">{/^(window|alarm|retrain)\./.test(event.what) ? told(event) : gist(event.data, known_in_a_flow)}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

// How deep each event of a story stands below the first: below its cause.
function depths(events: LedgerEvent[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const event of events) found.set(event.id, (found.get(event.cause) ?? -1) + 1);
  return found;
}

// The events that hang together with one by cause, as a tree: each below what led to it.
function in_order(events: LedgerEvent[]): LedgerEvent[] {
  const ids = new Set(events.map(({ id }) => id));
  const below = new Map<string, LedgerEvent[]>();
  for (const event of events) {
    const cause = ids.has(event.cause) ? event.cause : "";
    below.set(cause, [...(below.get(cause) ?? []), event]);
  }
  const out: LedgerEvent[] = [];
  const rest = (below.get("") ?? []).toReversed();
  for (let event = rest.pop(); event; event = rest.pop()) {
    out.push(event);
    rest.push(...(below.get(event.id) ?? []).toReversed());
  }
  return out;
}

const indent_max = 12;

function Story({ of }: { of: StoryOf }) {
  const depth = depths(of.events);
  return (
    <ol class="tale">
      {in_order(of.events).map((event) => (
        <li key={event.id}>
          <a class="entry" href={link("ledger", "story", event.id)} aria-current={event.id === location.hash.split("/").at(-1) ? "true" : undefined}>
            <span class="quiet">{moment(event.at).slice(5)}</span>
            <span class="cut" style={{ paddingLeft: `${Math.min(depth.get(event.id) ?? 0, indent_max) * 0.9}rem` }}>
              <What event={event} /> <span class="quiet">{told(event)}</span>
            </span>
            <span class="quiet cut">{who(event.by)}</span>
          </a>
        </li>
      ))}
    </ol>
  );
}

function Facts({ event }: { event: LedgerEvent }) {
  const to = place_of(event);
  const facts: [string, string, (string | undefined)?][] = [
    ["Number", String(event.seq)],
    ["Time", `${moment(event.at)} UTC`],
    ["Subject", `${event.subject.kind} ${event.subject.id}`, to],
    ["By", who(event.by)],
    ["Flow", event.flow, link("flows", event.flow)],
    ["Cause", event.cause, link("ledger", "story", event.cause)],
    ["Hash", event.hash],
    ["Before it", event.prev],
  ];
  return (
    <>
      <dl class="facts">
        {facts.filter(([, value]) => value).map(([name, value, to]) => (
          <>
            <dt>{name}</dt>
            <dd class="long-word">{to ? <a href={to}>{value}</a> : value}</dd>
          </>
        ))}
      </dl>
      <pre tabIndex={0} aria-label="Data">{JSON.stringify({ data: event.data, digests: event.digests }, null, 2)}</pre>
    </>
  );
}

function Detail({ event, close }: { event: LedgerEvent; close: () => void }) {
  return (
    <Card
      title={event.what}
      aside={
        <>
          <a href={link("ledger", "story", event.id)}>Its story</a>
          <button type="button" class="plain" onClick={close}>Close</button>
        </>
      }
    >
      <Facts event={event} />
    </Card>
  );
}

// One event with what led to it and what came of it.
function StoryPage({ id }: { id: string }) {
  const loaded = useLoad<StoryOf>(`/ledger/${encodeURIComponent(id)}/story`);
  const event = loaded.value?.events.find((one) => one.id === id);
  useEffect(() => {
    document.title = `${event?.what ?? "Story"} · pawl`;
  }, [event?.what]);
  return (
    <main id="main" tabIndex={-1} class="ledger">
      <header class="title">
        <h1><a href={link("ledger")}>Ledger</a> / story of {event ? event.what : id}</h1>
      </header>
      <Show of={loaded}>
        {(story) => (
          <div class="sides even">
            <Card title="What led to it, and what came of it" aside={<span class="quiet">{story.events.length} events{!story.whole && ", and more"}</span>}>
              <Story of={story} />
            </Card>
            {event && <aside aria-label="The event"><Card title={event.what}><Facts event={event} /></Card></aside>}
          </div>
        )}
      </Show>
    </main>
  );
}

interface Filter {
  what: string;
  about: string;
  flow: string;
  by: string;
}

interface Read {
  events: LedgerEvent[];
  next: string;        // where the older ones go on; empty at the first event of all
  busy: boolean;
  want: { newer: boolean; older: boolean }; // asked for while it was busy
}

// The events read so far, newest first, in one array that grows at both ends; one read at a time.
function useLedger(query: Filter) {
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
    newer();
    const leave = on_notice(newer);
    return () => {
      stop.abort();
      leave();
    };
  }, [JSON.stringify(query)]);
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

const kinds = ["", "alarm.", "window.", "retrain.", "flow.", "gate.", "approval.", "rollout.", "version.", "alias.", "plan.", "repo.", "run.", "task.", "comment.", "monitor.", "destination.", "user."];
const typing_ms = 300;

// A field whose text counts once the typing rests, or with Enter.
function FilterText({ name, value, list, set }: { name: string; value: string; list?: string; set: (value: string) => void }) {
  const [text, set_text] = useState(value);
  useEffect(() => set_text(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => set(text.trim()), typing_ms);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label>
      {name}{" "}
      <input type="search" value={text} list={list} placeholder="anything" spellcheck={false} onInput={(event) => set_text(event.currentTarget.value)} onKeyDown={(event) => event.key === "Enter" && set(text.trim())} />
    </label>
  );
}

function EventsPage({ query, overview }: { query: Record<string, string>; overview: Overview | undefined }) {
  const filter: Filter = { what: query["what"] ?? "", about: query["about"] ?? "", flow: query["flow"] ?? "", by: query["by"] ?? "" };
  const ledger = useLedger(filter);
  const [picked, set_picked] = useState<LedgerEvent>();
  useEffect(() => {
    document.title = "Ledger · pawl";
  }, []);
  const names = new Set(overview?.items.flatMap((line) => [line.name, line.endpoint]).filter(Boolean));
  const filtered = Object.values(filter).some(Boolean);
  return (
    <main id="main" tabIndex={-1} class="ledger">
      <header class="title filters">
        <h1>Ledger</h1>
        <label>
          Events{" "}
          <select value={filter.what} onChange={(event) => filter_by({ what: event.currentTarget.value })}>
            {[...kinds, ...(kinds.includes(filter.what) ? [] : [filter.what])].map((kind) => (
              <option key={kind} value={kind}>{!kind ? "all" : kind.endsWith(".") ? `${kind.slice(0, -1)}s` : kind}</option>
            ))}
          </select>
        </label>
        <FilterText name="About" value={filter.about} list="about" set={(about) => filter_by({ about })} />
        <datalist id="about">{[...names].map((name) => <option key={name} value={name} />)}</datalist>
        <FilterText name="By" value={filter.by} set={(by) => filter_by({ by })} />
        {filter.flow && (
          <span class="alias">
            flow <a href={link("flows", filter.flow)}>{short(filter.flow)}</a> <button type="button" class="plain" aria-label="All flows" onClick={() => filter_by({ flow: "" })}>×</button>
          </span>
        )}
        <Chain />
      </header>
      <Trouble problem={ledger.problem} />
      <div class={picked ? "sides" : ""}>
        <div class="card">
          {ledger.events?.length === 0 && <Empty>{filtered ? "No such event." : "Nothing has happened yet."}</Empty>}
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
                  <span class="cut quiet">{told(event)}</span>
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

export function LedgerPage({ query, story, overview }: { query: Record<string, string>; story: string; overview: Overview | undefined }) {
  return story ? <StoryPage key={story} id={story} /> : <EventsPage query={query} overview={overview} />;
}
