// Back to the version before, by hand and at once; the reason stands in the ledger. Drawn while somebody is asked for it.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { post } from "../api.ts";
import { Trouble } from "./basic.tsx";

export function RollBack({ endpoint, done }: { endpoint: string; done: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const [reason, set_reason] = useState("");
  const [sending, set_sending] = useState(false);
  const [problem, set_problem] = useState<Error>();
  const send = async (event: Event) => {
    event.preventDefault();
    if (!reason.trim() || sending) return;
    set_sending(true);
    set_problem(undefined);
    try {
      await post(`/endpoints/${encodeURIComponent(endpoint)}/rollback`, { reason });
      done();
    } catch (refused) {
      set_problem(refused as Error);
      set_sending(false);
    }
  };
  return (
    <form class="body" onSubmit={send} onKeyDown={(event) => event.key === "Escape" && done()}>
      <label for="why-back">Why does the version before come back?</label>
      <input id="why-back" value={reason} ref={input} maxLength={1000} onInput={(event) => set_reason(event.currentTarget.value)} />
      <Trouble problem={problem} />
      <div class="buttons">
        <button class="bad" disabled={!reason.trim() || sending}>{sending ? "Rolling back…" : "Roll back now"}</button>
        <button type="button" onClick={done}>Leave it</button>
      </div>
    </form>
  );
}
