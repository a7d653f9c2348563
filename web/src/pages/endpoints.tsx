// Every endpoint: what answers there, how much, and how it stands.
import { useEffect } from "preact/hooks";
import { useLoad } from "../load.ts";
import { link } from "../route.ts";
import type { Endpoint, List, MonitorSeen } from "../types.ts";
import { count, days, percent } from "../words.ts";
import { Empty, Show, State, Trouble } from "../parts/basic.tsx";
import { LongList } from "../parts/long_list.tsx";

const reload_ms = 5000;

function Stands({ monitor }: { monitor: MonitorSeen | undefined }) {
  if (!monitor) return <span class="quiet">not watched</span>;
  const { open, last } = monitor;
  return open.length ? <State of="firing" word={open.length === 1 ? "1 alarm" : `${open.length} alarms`} /> : last ? <State of="ok" word="no alarm" /> : <span class="quiet">no window yet</span>;
}

export function EndpointsPage() {
  const endpoints = useLoad<List<Endpoint>>("/endpoints", {}, reload_ms);
  const monitors = useLoad<List<MonitorSeen>>("/monitors", {}, reload_ms);
  useEffect(() => {
    document.title = "Endpoints · pawl";
  }, []);
  const monitor_of = new Map(monitors.value?.items.map((seen) => [seen.monitor.endpoint, seen]));
  return (
    <main id="main" tabIndex={-1}>
      <h1>Endpoints</h1>
      <Trouble problem={monitors.problem} />
      <div class="card">
        <Show of={endpoints}>
          {({ items }) =>
            items.length ? (
              <LongList
                label="Endpoints"
                class="endpoints"
                items={items}
                row_px={56}
                height_max="calc(100vh - 12.5rem)"
                key_of={(endpoint) => endpoint.name}
                on_open={(endpoint) => (location.hash = link("endpoints", endpoint.name))}
                head={
                  <>
                    <span>Endpoint</span>
                    <span>Answers</span>
                    <span>Predictions</span>
                    <span>Newest window</span>
                    <span>Stands</span>
                  </>
                }
                row={(endpoint) => {
                  const last = monitor_of.get(endpoint.name)?.last;
                  return (
                    <>
                      <span>
                        <a href={link("endpoints", endpoint.name)} tabIndex={-1}>{endpoint.name}</a>
                        <div class="quiet cut">{endpoint.model}</div>
                      </span>
                      <span>{endpoint.arms.toSorted((a, b) => b.arm.localeCompare(a.arm)).map((arm) => <div key={arm.arm}>version {arm.version} <span class="quiet">{arm.arm}, {percent(100 * arm.share)}</span></div>)}</span>
                      <span>{count(endpoint.predictions)}</span>
                      <span>{last ? <>{days(last.start, last.end)}<div class="quiet">{last.drifted} of {last.tested} columns drifted</div></> : <span class="quiet">none yet</span>}</span>
                      <span><Stands monitor={monitor_of.get(endpoint.name)} /></span>
                    </>
                  );
                }}
              />
            ) : (
              <Empty>No endpoint yet: the first version that goes live makes one.</Empty>
            )
          }
        </Show>
      </div>
    </main>
  );
}
