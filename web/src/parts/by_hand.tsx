// What a person decides about an endpoint's traffic, at once; the reason stands in the ledger. Drawn while somebody is asked for it.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { post } from "../api.ts";
import { Trouble } from "./basic.tsx";

const words = {
  rollback: { asks: "Why does the version before come back?", does: "Roll back now", doing: "Rolling back…", tone: "bad" },
  promote: { asks: "Why does the next step begin now?", does: "Next step now", doing: "Going on…", tone: "" },
};
export type Verb = keyof typeof words;

// `step`: of the rollout, as whoever decides has seen it; when it has ended meanwhile the server refuses.
export function ByHand({ endpoint, verb, step, done }: { endpoint: string; verb: Verb; step?: number | undefined; done: () => void }) {
  const say = words[verb];
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), [verb]);
  const [reason, set_reason] = useState("");
  const [sending, set_sending] = useState(false);
  const [problem, set_problem] = useState<Error>();
  const [seen_step] = useState(step);
  const send = async (event: Event) => {
    event.preventDefault();
    if (!reason.trim() || sending) return;
    set_sending(true);
    set_problem(undefined);
    try {
      await post(`/endpoints/${encodeURIComponent(endpoint)}/${verb}`, verb === "promote" ? { reason, step: seen_step } : { reason });
      done();
    } catch (refused) {
      set_problem(refused as Error);
      set_sending(false);
    }
  };
  return (
    <form class="body" onSubmit={send} onKeyDown={(event) => event.key === "Escape" && done()}>
      <label for="why-by-hand">{say.asks}</label>
      <input id="why-by-hand" value={reason} ref={input} maxLength={1000} onInput={(event) => set_reason(event.currentTarget.value)} />
      <Trouble problem={problem} />
      <div class="buttons">
        <button class={say.tone} disabled={!reason.trim() || sending}>{sending ? say.doing : say.does}</button>
        <button type="button" onClick={done}>Leave it</button>
      </div>
    </form>
  );
}
