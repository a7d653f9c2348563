// Flows, newest first, as they run; and one flow with what led to it, its stages, its gate and what its runner prints.
import { useEffect } from "preact/hooks";
import { what_of, type Notice } from "../live.ts";
import { useLoad } from "../load.ts";
import { usePages } from "../pages_of.ts";
import { filter_by, link, link_with } from "../route.ts";
import type { Approval, Flow, FlowState, LedgerEvent, List, Me, Overview, Rollout } from "../types.ts";
import { moment, plainly, short, version_name, who } from "../words.ts";
import { ApprovalCard } from "../parts/approval.tsx";
import { Card, Empty, Show, State, Time, Trouble } from "../parts/basic.tsx";
import { Comments } from "../parts/comments.tsx";
import { FlowCard, Story } from "../parts/flow.tsx";
import { GateCard } from "../parts/gate.tsx";
import { LogCard } from "../parts/log.tsx";
import { LongList } from "../parts/long_list.tsx";
import { RolloutCard } from "../parts/rollout.tsx";
import { Happened } from "./ledger.tsx";

const states: FlowState[] = ["queued", "training", "judging", "waiting", "rolling_out", "done", "rejected", "failed", "superseded", "nothing_new", "stopped"];
const moves = (notice: Notice) => /^(flow|gate|approval|rollout|version|task)\./.test(what_of(notice));

export function FlowsPage({ query, overview }: { query: Record<string, string>; overview: Overview | undefined }) {
  const { model = "", state = "" } = query;
  const flows = usePages<Flow>("/flows", { model, state, limit: 100 }, (flow) => flow.id, moves);
  useEffect(() => {
    document.title = "Flows · pawl";
  }, []);
  const models = overview?.items.map((line) => line.name) ?? [];
  return (
    <main id="main" tabIndex={-1}>
      <header class="title filters">
        <h1>Flows</h1>
        <label>
          Model{" "}
          <select value={model} onChange={(event) => filter_by({ model: event.currentTarget.value })}>
            <option value="">all</option>
            {[...new Set([...models, ...(model ? [model] : [])])].map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
        <label>
          State{" "}
          <select value={state} onChange={(event) => filter_by({ state: event.currentTarget.value })}>
            <option value="">all</option>
            {states.map((name) => <option key={name} value={name}>{name.replaceAll("_", " ")}</option>)}
          </select>
        </label>
      </header>
      <Trouble problem={flows.problem} />
      <div class="card">
        {flows.items?.length === 0 && <Empty>{model || state ? "No such flow." : "No flow yet: a push, new data, an alarm or pawl flow start begins one."}</Empty>}
        {flows.items !== undefined && flows.items.length > 0 && (
          <LongList
            label="Flows"
            class="flows"
            items={flows.items}
            row_px={56}
            height_max="calc(100vh - 12.5rem)"
            key_of={(flow) => flow.id}
            on_open={(flow) => (location.hash = link("flows", flow.id))}
            on_end={flows.older}
            head={
              <>
                <span>State</span>
                <span>Model</span>
                <span>Started by</span>
                <span>What came of it</span>
                <span>Started (UTC)</span>
              </>
            }
            row={(flow) => (
              <>
                <span><State of={flow.state} /></span>
                <span class="cut"><b>{flow.version ? version_name(flow.model, flow.version) : flow.model}</b></span>
                <span>
                  <div class="cut" title={plainly(flow.trigger.what)}>{plainly(flow.trigger.what) || flow.trigger.kind}</div>
                  <div class="quiet cut">{flow.trigger.by ? who(flow.trigger.by) : flow.commit && `${short(flow.commit)} ${flow.message.split("\n")[0]}`}</div>
                </span>
                <span class="quiet two" title={plainly(flow.reason)}>{plainly(flow.reason)}</span>
                <span class="quiet">
                  <div>{moment(flow.started).slice(0, 16)}</div>
                  <div><Time at={flow.updated} /></div>
                </span>
              </>
            )}
          />
        )}
      </div>
    </main>
  );
}

export function FlowPage({ id, me }: { id: string; me: Me }) {
  const loaded = useLoad<Flow>(`/flows/${encodeURIComponent(id)}`, {}, 0, moves);
  const flow = loaded.value;
  const approval = useLoad<Approval>(flow?.approval ? `/approvals/${encodeURIComponent(flow.approval)}` : "", {}, 0, moves);
  const rollout = useLoad<Rollout>(flow?.rollout ? `/rollouts/${encodeURIComponent(flow.rollout)}` : "", {}, flow?.state === "rolling_out" ? 2000 : 0, moves);
  const events = useLoad<List<LedgerEvent>>("/ledger", { flow: id, order: "newest", limit: 15 });
  useEffect(() => {
    document.title = `Flow ${short(id)} · pawl`;
  }, [id]);
  return (
    <main id="main" tabIndex={-1}>
      <Show of={loaded}>
        {(flow) => (
          <>
            <header class="title">
              <h1><a href={link("flows")}>Flows</a> / {flow.model}</h1>
              <State of={flow.state} />
              {flow.version > 0 && <a href={link("models", flow.model, String(flow.version))}>{version_name(flow.model, flow.version)}</a>}
            </header>
            <Story flow={flow} said={flow.state} />
            {approval.value?.state === "open" && <ApprovalCard key={approval.value.id} approval={approval.value} changed={loaded.again} />}
            <FlowCard flow={flow} />
            <LogCard flow={flow.id} />
            {flow.gate && <GateCard gate={flow.gate} />}
            {rollout.value && <RolloutCard rollout={rollout.value} />}
            {approval.value && approval.value.state !== "open" && <ApprovalCard key={approval.value.id} approval={approval.value} changed={loaded.again} />}
            <Comments kind="flow" subject={flow.id} me={me} />
            <Card title="What happened" aside={<a href={link_with({ flow: flow.id }, "ledger")}>in the ledger</a>}>
              <Show of={events}>{(found) => (found.items.length ? <Happened events={found.items} /> : <Empty>Nothing yet.</Empty>)}</Show>
            </Card>
          </>
        )}
      </Show>
    </main>
  );
}
