// A flow: how far it is, what started it, what it ran.
import { link } from "../route.ts";
import type { Flow } from "../types.ts";
import { duration, moment, plainly, short, who } from "../words.ts";
import { Card, State, Time } from "./basic.tsx";

// The five steps every flow takes, and how far this one is; how it ended otherwise, unless that is `said` already.
export function Story({ flow, said }: { flow: Flow; said?: string }) {
  const names = ["training", "gate", "approval", "rollout", "live"];
  const reached: Record<string, number> = { queued: 0, training: 0, judging: 1, waiting: 2, rolling_out: 3, done: 5 };
  const at = reached[flow.state];
  return (
    <div class="story">
      {at === undefined ? (
        flow.state !== said && <State of={flow.state} />
      ) : (
        <ol class="steps" aria-label="The flow">
          {names.map((name, i) => (
            <li key={name} class={i < at ? "past" : i === at ? "now" : ""} aria-current={i === at ? "step" : undefined}>
              {name}
            </li>
          ))}
        </ol>
      )}
      {flow.reason && <p class="quiet">{plainly(flow.reason)}</p>}
      {flow.warnings.map((warning) => (
        <p key={warning} class="note">{warning}</p>
      ))}
    </div>
  );
}

export function FlowCard({ flow, within = false }: { flow: Flow; within?: boolean }) {
  const set = Object.entries(flow.set);
  return (
    <Card title="Flow" aside={within ? <a href={link("flows", flow.id)}>{flow.id}</a> : <span class="quiet">{flow.id}</span>}>
      <dl class="facts">
        <dt>Started by</dt>
        <dd>
          {plainly(flow.trigger.what) || flow.trigger.kind}
          {flow.trigger.by && <> · {who(flow.trigger.by)}</>} · <Time at={flow.started} />
          {flow.trigger.event && <> · <a href={link("ledger", "story", flow.trigger.event)}>what led to it</a></>}
        </dd>
        {flow.trigger.at && (
          <>
            <dt>Data until</dt>
            <dd>{moment(flow.trigger.at)} <span class="quiet">the end of the window that alarmed</span></dd>
          </>
        )}
        {flow.commit && (
          <>
            <dt>Commit</dt>
            <dd>
              <code title={flow.commit}>{short(flow.commit)}</code> {flow.message.split("\n")[0]} <span class="quiet">{flow.repo}</span>
            </dd>
          </>
        )}
        {set.length > 0 && (
          <>
            <dt>Set</dt>
            <dd>
              {set.map(([name, value]) => (
                <code key={name}>
                  {name}={value}{" "}
                </code>
              ))}
            </dd>
          </>
        )}
        {flow.stages.length > 0 && (
          <>
            <dt>Stages</dt>
            <dd>{flow.stages.map((stage) => `${stage.name} (${stage.outcome}${stage.seconds >= 1 ? `, ${duration(stage.seconds)}` : ""})`).join(" → ")}</dd>
          </>
        )}
      </dl>
    </Card>
  );
}
