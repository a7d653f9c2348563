// The move of an endpoint from one version to another: its steps, the share it has reached, what it waits for.
import type { Rollout, RuleSeen } from "../types.ts";
import { link } from "../route.ts";
import { count, duration, number, percent } from "../words.ts";
import { Card, State } from "./basic.tsx";

export function Steps({ rollout }: { rollout: Rollout }) {
  const { state, step, steps } = rollout;
  return (
    <ol class="steps" aria-label="Steps of the rollout">
      {steps.map((share, i) => {
        const now = state === "stepping" && i === step;
        return (
          <li key={i} class={state === "done" || (state === "stepping" && i < step) ? "past" : now ? "now" : ""} aria-current={now ? "step" : undefined}>
            {percent(share)}
          </li>
        );
      })}
    </ol>
  );
}

function Held({ name, have, need, say }: { name: string; have: number; need: number; say: (value: number) => string }) {
  if (need <= 0) return null;
  return (
    <div class="held">
      <span>{name}</span>
      <progress value={Math.min(have, need)} max={need} aria-label={name} />
      <span class="num">
        {say(have)} of {say(need)}
      </span>
    </div>
  );
}

const rules: Record<RuleSeen["rule"], string> = {
  error_rate: "Error rate",
  p99_ms: "p99 in ms",
  prediction_shift: "Shift between the arms' answers",
  worse_than_live: "Worse than the live version",
};
function against(seen: RuleSeen): string {
  const parts = [
    seen.live !== undefined && seen.canary !== undefined ? `live ${number(seen.live)}, new ${number(seen.canary)}` : "",
    seen.p !== undefined ? `p ${number(seen.p, 2)}${seen.level !== undefined ? `, counts at ${number(seen.level, 2)}` : ""}` : "",
    seen.note,
  ];
  return parts.filter(Boolean).join(" · ");
}

function Evidence({ rollout }: { rollout: Rollout }) {
  if (!rollout.evidence.length) return null;
  return (
    <div class="wide">
      <table class="evidence">
        <thead>
          <tr>
            <th scope="col">Goes back when</th>
            <th scope="col">State</th>
            <th scope="col" class="num">Seen</th>
            <th scope="col" class="num">Limit</th>
            <th scope="col" class="num">New</th>
            <th scope="col" class="num">Live</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {rollout.evidence.map((seen) => (
            <tr key={seen.rule}>
              <th scope="row">{rules[seen.rule] ?? seen.rule}</th>
              <td><State of={seen.state} word={seen.state === "pass" ? "nothing against it" : seen.state === "fail" ? "goes back" : "too little so far"} /></td>
              <td class="num">{number(seen.seen, 3)}</td>
              <td class="num quiet">{number(seen.limit, 3)}</td>
              <td class="num">{seen.n ? count(seen.n) : ""}</td>
              <td class="num">{seen.n_live ? count(seen.n_live) : ""}</td>
              <td class="quiet">{against(seen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function RolloutCard({ rollout, title = "Rollout" }: { rollout: Rollout; title?: string }) {
  const moves = rollout.state === "preparing" || rollout.state === "stepping";
  return (
    <Card title={title} aside={<State of={rollout.state} />}>
      <div class="body">
        <Steps rollout={rollout} />
        <p>
          Endpoint <a href={link("endpoints", rollout.endpoint)}>{rollout.endpoint}</a> {rollout.from ? <>from version {rollout.from} to </> : "to its first version, "}
          <b>{rollout.to}</b>, which answers <b>{percent(rollout.share)}</b> of the traffic.
          {rollout.by && <span class="quiet"> Started by {rollout.by}.</span>}
        </p>
        {rollout.state === "stepping" && (
          <>
            <Held name="Predictions" have={rollout.rows} need={rollout.rows_needed} say={count} />
            <Held name="Time held" have={rollout.held_s} need={rollout.hold_s} say={duration} />
            <p class="quiet">
              In this step: {count(rollout.errors)} {rollout.errors === 1 ? "error" : "errors"}, p99 {number(rollout.p99_ms, 3)} ms.
            </p>
          </>
        )}
        {rollout.reason && <p class={`note ${moves || rollout.state === "done" ? "" : "bad"}`}>{rollout.reason}</p>}
      </div>
      <Evidence rollout={rollout} />
    </Card>
  );
}
