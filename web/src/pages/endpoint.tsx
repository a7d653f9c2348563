// An endpoint: what answers there and how fast, the rollout under way, its alarms, and its closed windows: drift of each column and performance.
import { useEffect, useMemo, useState } from "preact/hooks";
import { what_of, type Notice } from "../live.ts";
import { useLoad } from "../load.ts";
import { usePages } from "../pages_of.ts";
import { link, link_with } from "../route.ts";
import type { Alarm, Endpoint, LedgerEvent, List, Me, MonitorSeen, Rollout, WindowSeen } from "../types.ts";
import { count, days, moment, number, percent } from "../words.ts";
import { AlarmsCard } from "../parts/alarms.tsx";
import { Card, Empty, Show, State, Time, Trouble } from "../parts/basic.tsx";
import { DriftCard } from "../parts/drift.tsx";
import { PerformanceCard } from "../parts/performance.tsx";
import { ByHand, type Verb } from "../parts/by_hand.tsx";
import { RolloutCard } from "../parts/rollout.tsx";
import { Happened } from "./ledger.tsx";

const reload_ms = 3000; // traffic makes no event
const page_windows = 26;

const of_windows = (notice: Notice) => /^(window|monitor)\./.test(what_of(notice));
const of_alarms = (notice: Notice) => /^(alarm|window|monitor)\./.test(what_of(notice));
const of_endpoint = (notice: Notice) => /^(alarm|alias|monitor|retrain|rollout|window)\./.test(what_of(notice));
const of_rollouts = (notice: Notice) => /^rollout\./.test(what_of(notice));

function Arms({ endpoint }: { endpoint: Endpoint }) {
  if (!endpoint.arms.length) return <Empty>No version is live yet.</Empty>;
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Arm</th>
            <th scope="col" class="num">Share</th>
            <th scope="col" class="num">Predictions</th>
            <th scope="col" class="num">Requests</th>
            <th scope="col" class="num">Errors</th>
            <th scope="col" class="num">Refused</th>
            <th scope="col" class="num">p50 ms</th>
            <th scope="col" class="num">p99 ms</th>
            <th scope="col">Last</th>
          </tr>
        </thead>
        <tbody>
          {endpoint.arms.toSorted((a, b) => b.arm.localeCompare(a.arm)).map(({ version, arm, share, ready, tally }) => (
            <tr key={`${version} ${arm}`}>
              <th scope="row"><a href={link("models", endpoint.model, String(version))}>{endpoint.model}@{version}</a></th>
              <td><State of={ready ? arm : "failed"} word={ready ? arm : "not loaded"} /></td>
              <td class="num">{percent(100 * share)}</td>
              <td class="num">{count(tally.rows)}</td>
              <td class="num">{count(tally.requests)}</td>
              <td class={`num ${tally.errors ? "bad-text" : ""}`}>{count(tally.errors)}</td>
              <td class="num">{count(tally.refused)}</td>
              <td class="num">{tally.requests ? number(tally.p50_ms, 3) : ""}</td>
              <td class="num">{tally.requests ? number(tally.p99_ms, 3) : ""}</td>
              <td class="quiet"><Time at={tally.last} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function WatchedLine({ seen }: { seen: MonitorSeen }) {
  const { monitor } = seen;
  return (
    <p class="quiet">
      Watched in windows of {monitor.window} against the training data of version {monitor.version}; alarm when {percent(100 * monitor.share)} of the columns drift
      {monitor.metric && <> or {monitor.metric} is worse by {percent(100 * monitor.worse_by)}</>}. The window {days(seen.next_start, seen.next_end)} is open
      {seen.watermark && <>, its newest row of {moment(seen.watermark)}</>}; {count(seen.labelled)} of {count(seen.rows)} rows have their label.
    </p>
  );
}

// The window that is looked at: a step back or forth, or any of those read so far.
function WindowPick({ windows, at, pick, older }: { windows: WindowSeen[]; at: number; pick: (index: number) => void; older: (() => void) | undefined }) {
  return (
    <div class="pick" role="group" aria-label="Window">
      <button type="button" aria-label="The window before" disabled={at <= 0} onClick={() => pick(at - 1)}>‹</button>
      <select aria-label="Window" value={String(at)} onChange={(event) => pick(Number(event.currentTarget.value))}>
        {windows.map((window, i) => <option key={window.id} value={String(i)}>{days(window.start, window.end)}</option>).toReversed()}
      </select>
      <button type="button" aria-label="The window after" disabled={at >= windows.length - 1} onClick={() => pick(at + 1)}>›</button>
      {older && <button type="button" class="plain" onClick={older}>Earlier windows</button>}
    </div>
  );
}

function WindowFacts({ window }: { window: WindowSeen }) {
  return (
    <p class="quiet">
      {count(window.rows)} {window.rows === 1 ? "row" : "rows"}, {count(window.labelled)} labelled
      {window.late > 0 && `, ${count(window.late)} late`}; version {window.version} was live; {window.state} <Time at={window.closed} />.
      {window.note && ` ${window.note}`}
    </p>
  );
}

function Windows({ name }: { name: string }) {
  const loaded = usePages<WindowSeen>(`/endpoints/${encodeURIComponent(name)}/windows`, { order: "newest", limit: page_windows }, (window) => window.id, of_windows);
  const [picked, set_picked] = useState(""); // empty: the newest
  const windows = useMemo(() => loaded.items?.toReversed() ?? [], [loaded.items]);
  const found = windows.findIndex((window) => window.id === picked);
  const at = found < 0 ? windows.length - 1 : found;
  const window = windows[at];
  const pick = (index: number) => set_picked(index === windows.length - 1 ? "" : (windows[index]?.id ?? ""));
  return (
    <>
      <Trouble problem={loaded.problem} />
      {loaded.items === undefined ? null : !window ? (
        <Card title="Windows"><Empty>No window has closed yet.</Empty></Card>
      ) : (
        <>
          <div class="windows">
            <h2>Windows</h2>
            <WindowPick windows={windows} at={at} pick={pick} older={loaded.more ? loaded.older : undefined} />
            <WindowFacts window={window} />
          </div>
          <DriftCard windows={windows} at={at} pick={pick} />
          <PerformanceCard windows={windows} at={at} pick={pick} />
        </>
      )}
    </>
  );
}

export function EndpointPage({ name, me }: { name: string; me: Me }) {
  const path = `/endpoints/${encodeURIComponent(name)}`;
  const endpoint = useLoad<Endpoint>(path, {}, reload_ms, of_endpoint);
  const monitor = useLoad<MonitorSeen>(`${path}/monitor`, {}, 10_000, of_alarms);
  const alarms = useLoad<List<Alarm>>("/alarms", { endpoint: name, limit: 50 }, 0, of_alarms);
  const [asked, ask] = useState<Verb>();
  const may_decide = (me.role === "operator" || me.role === "admin") && (endpoint.value?.arms.length ?? 0) > 0;
  const left = () => {
    ask(undefined);
    endpoint.again();
    rollout.again();
  };
  const under_way = endpoint.value?.rollout ?? "";
  const rollout = useLoad<Rollout>(under_way ? `/rollouts/${encodeURIComponent(under_way)}` : "", {}, reload_ms, of_rollouts);
  const events = useLoad<List<LedgerEvent>>("/ledger", { about: name, order: "newest", limit: 12 }, 0, of_endpoint);
  const moves = rollout.value?.state === "preparing" || rollout.value?.state === "stepping";
  const watched = monitor.value !== undefined;
  useEffect(() => {
    document.title = `${name} · pawl`;
  }, [name]);
  return (
    <main id="main" tabIndex={-1}>
      <Show of={endpoint}>
        {(endpoint) => (
          <>
            <header class="title">
              <h1><a href={link("endpoints")}>Endpoints</a> / {endpoint.name}</h1>
              {endpoint.ready ? <State of="live" /> : <State of="failed" word="does not answer" />}
              {endpoint.replay && <span class="alias" title="Rows may carry times ahead of the clock">replay</span>}
              <span class="quiet">{count(endpoint.predictions)} predictions of <a href={link("models", endpoint.model)}>{endpoint.model}</a></span>
            </header>
            <Card
              title="Traffic"
              aside={
                <>
                  <span class="quiet">{moves ? "in this step of the rollout" : "since the rollout's last step"}</span>
                  {may_decide && !asked && rollout.value?.state === "stepping" && <button type="button" onClick={() => ask("promote")}>Next step…</button>}
                  {may_decide && !asked && <button type="button" onClick={() => ask("rollback")}>Roll back…</button>}
                </>
              }
            >
              <Arms endpoint={endpoint} />
              {may_decide && asked && <ByHand endpoint={name} verb={asked} step={rollout.value?.step} done={left} />}
            </Card>
            {rollout.value && moves && <RolloutCard rollout={rollout.value} />}
          </>
        )}
      </Show>
      {endpoint.value && (
        <>
          <AlarmsCard alarms={alarms.value?.items ?? []} me={me} changed={alarms.again} />
          <Trouble problem={alarms.problem} />
          {watched && monitor.value && <div class="watched"><WatchedLine seen={monitor.value} /></div>}
          {monitor.problem && !watched && <p class="quiet watched">Not watched: its pawl.yaml declares no `watch`, or no version is live yet.</p>}
          <Windows name={name} />
          {rollout.value && !moves && <RolloutCard rollout={rollout.value} title="Newest rollout" />}
          <Card title="What happened" aside={<a href={link_with({ about: name }, "ledger")}>in the ledger</a>}>
            <Show of={events}>{(found) => (found.items.length ? <Happened events={found.items} /> : <Empty>Nothing yet.</Empty>)}</Show>
          </Card>
        </>
      )}
    </main>
  );
}

