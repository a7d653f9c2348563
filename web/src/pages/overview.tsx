// Each model: what is live, what its endpoint answers, what waits for somebody, what runs.
import type { Flow, ModelLine } from "../types.ts";
import type { Loaded } from "../load.ts";
import type { Overview } from "../types.ts";
import { link } from "../route.ts";
import { count, number, percent, version_name } from "../words.ts";
import { Empty, Show, State, Time } from "../parts/basic.tsx";
import { LongList } from "../parts/long_list.tsx";
import { Steps } from "../parts/rollout.tsx";

function Live({ line }: { line: ModelLine }) {
  if (!line.live) return <span class="quiet">none yet</span>;
  const canary = line.arms.find((arm) => arm.arm === "canary");
  return (
    <>
      <b>version {line.live}</b>
      {canary && (
        <div class="quiet">
          canary {canary.version} at {percent(canary.share)}
        </div>
      )}
    </>
  );
}

// Counted since the endpoint's last step.
function TrafficCell({ line }: { line: ModelLine }) {
  const { rows, errors, p99_ms, seconds } = line.traffic;
  if (!line.endpoint) return <span class="quiet">no endpoint</span>;
  if (!rows) return <span class="quiet">none yet</span>;
  return (
    <>
      {count(rows)} <span class="quiet">{rows === 1 ? "prediction" : "predictions"}</span>
      <div class="quiet">
        {seconds >= 1 && <>{number(rows / seconds, 2)}/s, </>}p99 {number(p99_ms, 3)} ms{errors > 0 && <>, <span class="bad-text">{count(errors)} errors</span></>}
      </div>
    </>
  );
}

export function FlowCell({ flow }: { flow: Flow | undefined }) {
  if (!flow) return <span class="quiet">none yet</span>;
  return (
    <>
      <State of={flow.state} /> <span class="quiet"><Time at={flow.updated} /></span>
      <div class="quiet cut" title={flow.reason || flow.message}>{flow.reason || flow.message}</div>
    </>
  );
}

export function OverviewPage({ overview }: { overview: Loaded<Overview> }) {
  return (
    <main id="main" tabIndex={-1}>
      <h1>Models</h1>
      <Show of={overview}>
        {({ items }) =>
          items.length ? (
            <div class="card">
              <LongList
                label="Models"
                class="models"
                items={items}
                row_px={64}
                height_max="calc(100vh - 15rem)"
                key_of={(line) => line.name}
                on_open={(line) => (location.hash = link("models", line.name))}
                head={
                  <>
                    <span>Model</span>
                    <span>Live</span>
                    <span>Traffic</span>
                    <span>Newest flow</span>
                    <span>Waits for</span>
                  </>
                }
                row={(line) => (
                  <>
                    <span>
                      <a href={link("models", line.name)} tabIndex={-1}>{line.name}</a>
                      <div class="quiet">
                        {line.versions} {line.versions === 1 ? "version" : "versions"}
                      </div>
                    </span>
                    <span><Live line={line} /></span>
                    <span><TrafficCell line={line} /></span>
                    <span>{line.rollout ? <><State of="rolling_out" word={`to ${version_name(line.name, line.rollout.to)}`} /><Steps rollout={line.rollout} /></> : <FlowCell flow={line.flow} />}</span>
                    <span>{line.approvals_open > 0 && <State of="waiting" word={line.approvals_open === 1 ? "1 approval" : `${line.approvals_open} approvals`} />}</span>
                  </>
                )}
              />
            </div>
          ) : (
            <div class="card"><Empty>No model yet. Add a repository with <code>pawl repo add</code>, or register a model with any MLflow client.</Empty></div>
          )
        }
      </Show>
    </main>
  );
}
