// The move of an endpoint from one version to another: its steps, the share it has reached, what it waits for.
import type { Rollout } from "../types.ts";
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

export function RolloutCard({ rollout }: { rollout: Rollout }) {
  const moves = rollout.state === "preparing" || rollout.state === "stepping";
  return (
    <Card title="Rollout" aside={<State of={rollout.state} />}>
      <div class="body">
        <Steps rollout={rollout} />
        <p>
          Endpoint <b>{rollout.endpoint}</b> {rollout.from ? <>from version {rollout.from} to </> : "to its first version, "}
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
    </Card>
  );
}
