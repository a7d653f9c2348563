// A model: its versions at the left, at the right the one that was picked, with all that was decided about it and on what evidence.
import { useEffect } from "preact/hooks";
import { useLoad } from "../load.ts";
import { link, link_with } from "../route.ts";
import type { Flow, LedgerEvent, List, Me, ModelPage, Rollout, VersionLine } from "../types.ts";
import { number, percent, short, version_name, who } from "../words.ts";
import { ApprovalCard } from "../parts/approval.tsx";
import { Card, Empty, Show, State, Time, Trouble } from "../parts/basic.tsx";
import { BesideCard } from "../parts/beside.tsx";
import { Comments } from "../parts/comments.tsx";
import { FlowCard, Story } from "../parts/flow.tsx";
import { GateCard } from "../parts/gate.tsx";
import { LongList } from "../parts/long_list.tsx";
import { RolloutCard } from "../parts/rollout.tsx";
import { Happened } from "./ledger.tsx";

const reload_ms = 3000; // the traffic of a rollout makes no event

function MadeCard({ line }: { line: VersionLine }) {
  const metrics = Object.entries(line.metrics);
  return (
    <Card title="Made by">
      <dl class="facts">
        <dt>Registered</dt>
        <dd>
          by {who(line.by) || "nobody known"} · <Time at={line.created} />
        </dd>
        {line.run_id && (
          <>
            <dt>Run</dt>
            <dd><code>{line.run_id}</code></dd>
          </>
        )}
        {line.commit && !line.flow && (
          <>
            <dt>Commit</dt>
            <dd><code title={line.commit}>{short(line.commit)}</code></dd>
          </>
        )}
        {metrics.length > 0 && (
          <>
            <dt>Logged</dt>
            <dd>{metrics.map(([name, value]) => `${name} ${number(value)}`).join(" · ")}</dd>
          </>
        )}
      </dl>
    </Card>
  );
}

function Version({ line, page, me, again }: { line: VersionLine; page: ModelPage; me: Me; again: () => void }) {
  const flow = useLoad<Flow>(line.flow ? `/flows/${encodeURIComponent(line.flow)}` : "", {}, 0);
  const rollout_id = flow.value?.rollout ?? "";
  const under_way = page.model.rollout?.to === line.version ? page.model.rollout : undefined;
  const ended = useLoad<Rollout>(!under_way && rollout_id ? `/rollouts/${encodeURIComponent(rollout_id)}` : "");
  const rollout = under_way ?? ended.value;
  const events = useLoad<List<LedgerEvent>>(line.flow ? "/ledger" : "", { flow: line.flow, order: "newest", limit: 15 });
  const name = version_name(line.name, line.version);
  const champion = page.versions.find((one) => one.aliases.includes("champion"));
  // The champion itself stands beside the version that it took over from.
  const other = champion?.version !== line.version ? champion : page.versions.find((one) => one.version === rollout?.from);
  return (
    <div class="version" key={name}>
      <header class="title">
        <h1>{name}</h1>
        <State of={line.state} />
        {line.aliases.map((alias) => (
          <span key={alias} class="alias">{alias}</span>
        ))}
        {line.share > 0 && <span class="quiet">{percent(line.share)} of the traffic</span>}
      </header>
      {flow.value && <Story flow={flow.value} said={line.state} />}
      <Trouble problem={flow.problem} />
      {line.approval && <ApprovalCard key={line.approval.id} approval={line.approval} changed={again} />}
      {rollout && <RolloutCard rollout={rollout} />}
      <GateCard gate={line.gate} />
      {other && <BesideCard key={other.version} line={line} other={other} is={other === champion ? "champion" : "version before"} />}
      <MadeCard line={line} />
      {flow.value && <FlowCard flow={flow.value} within />}
      <Comments kind="version" subject={name} me={me} />
      {line.flow && (
        <Card title="What happened" aside={<a href={link_with({ flow: line.flow }, "ledger")}>in the ledger</a>}>
          <Show of={events}>{(found) => (found.items.length ? <Happened events={found.items} /> : <Empty>Nothing yet.</Empty>)}</Show>
        </Card>
      )}
    </div>
  );
}

export function ModelPageView({ name, version, me }: { name: string; version: string; me: Me }) {
  const loaded = useLoad<ModelPage>(`/models/${encodeURIComponent(name)}`, {}, reload_ms);
  useEffect(() => {
    document.title = `${version ? `${name}@${version}` : name} · pawl`;
  }, [name, version]);
  return (
    <main id="main" tabIndex={-1} class="model">
      <Show of={loaded}>
        {(page) => {
          // Without a pick: the one that waits for somebody, else the newest.
          const versions = page.versions;
          const picked = version
            ? versions.find((line) => String(line.version) === version)
            : (versions.find((line) => line.approval?.state === "open") ?? versions[0]);
          return (
            <>
              <nav aria-label="Versions">
                <h2>{name}</h2>
                <p class="quiet">
                  {page.model.endpoint ? <>endpoint <a href={link("endpoints", page.model.endpoint)}>{page.model.endpoint}</a></> : "no endpoint yet"}
                </p>
                <div class="card">
                  <LongList
                    label="Versions"
                    class="versions"
                    items={versions}
                    row_px={52}
                    height_max="calc(100vh - 12rem)"
                    key_of={(line) => line.version}
                    selected={picked?.version}
                    on_open={(line) => (location.hash = link("models", name, String(line.version)))}
                    row={(line) => (
                      <>
                        <b>{line.version}</b>
                        <span>
                          <div class="cut"><State of={line.state} /> {line.aliases.map((alias) => <span key={alias} class="alias">{alias}</span>)}</div>
                          <div class="quiet cut">
                            <Time at={line.created} />
                            {line.share > 0 && ` · ${percent(line.share)}`}
                            {line.commit ? ` · ${short(line.commit)}` : line.by && ` · ${who(line.by)}`}
                          </div>
                        </span>
                      </>
                    )}
                  />
                  {versions.length === 0 && <Empty>No version yet.</Empty>}
                </div>
              </nav>
              {picked ? (
                <Version key={picked.version} line={picked} page={page} me={me} again={loaded.again} />
              ) : (
                <div class="version">
                  {version ? <Empty>{name} has no version {version}.</Empty> : page.model.flow ? <><header class="title"><h1>{name}</h1></header><Story flow={page.model.flow} /><FlowCard flow={page.model.flow} within /></> : <Empty>The first version appears here when a flow has trained it.</Empty>}
                </div>
              )}
            </>
          );
        }}
      </Show>
    </main>
  );
}
