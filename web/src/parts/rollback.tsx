// Back to the version before, by hand and at once; the reason stands in the ledger.
import { useState } from "preact/hooks";
import { post } from "../api.ts";
import type { Me } from "../types.ts";
import { Trouble } from "./basic.tsx";

export function RollBack({ endpoint, me, changed }: { endpoint: string; me: Me; changed: () => void }) {
  const [asked, set_asked] = useState(false);
  const [reason, set_reason] = useState("");
  const [sending, set_sending] = useState(false);
  const [problem, set_problem] = useState<Error>();
  if (me.role !== "operator" && me.role !== "admin") return null;
  const send = async (event: Event) => {
    event.preventDefault();
    if (!reason.trim() || sending) return;
    set_sending(true);
    set_problem(undefined);
    try {
      await post(`/endpoints/${encodeURIComponent(endpoint)}/rollback`, { reason });
      set_asked(false);
      set_reason("");
    } catch (refused) {
      set_problem(refused as Error);
    }
    set_sending(false);
    changed();
  };
  if (!asked) return <div class="body"><div class="buttons"><button type="button" onClick={() => set_asked(true)}>Roll back…</button></div></div>;
  return (
    <form class="body" onSubmit={send} onKeyDown={(event) => event.key === "Escape" && set_asked(false)}>
      <label for="why-back">Why does the version before come back?</label>
      <input id="why-back" value={reason} ref={(input) => input?.focus()} maxLength={1000} onInput={(event) => set_reason(event.currentTarget.value)} />
      <Trouble problem={problem} />
      <div class="buttons">
        <button class="bad" disabled={!reason.trim() || sending}>{sending ? "Rolling back…" : "Roll back now"}</button>
        <button type="button" onClick={() => set_asked(false)}>Leave it</button>
      </div>
    </form>
  );
}
