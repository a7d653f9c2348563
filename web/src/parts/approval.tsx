// A request for approval: what it is about, whose word counts, who has spoken, and the buttons for those whose vote would count.
// Whether it would is the server's answer (`may_vote`, `why_not`), never this page's guess.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { post } from "../api.ts";
import type { Approval } from "../types.ts";
import { Card, State, Time, Trouble } from "./basic.tsx";

function rule_text({ rule }: Approval): string {
  const who = rule.count > 1 ? `${rule.count} people with the role ${rule.by} or above have to approve` : `Somebody with the role ${rule.by} or above has to approve`;
  return rule.not.length ? `${who}, but not an author (${rule.not.join(", ")}).` : `${who}.`;
}

// "let arrival-delay@2 go live" -> "Let arrival-delay@2 go live?"
function question(what: string): string {
  return `${what.charAt(0).toUpperCase()}${what.slice(1)}?`;
}

// `children`: what has to be looked at first.
export function ApprovalCard({ approval, changed, title = "Approval", children }: { approval: Approval; changed: () => void; title?: string; children?: ComponentChildren }) {
  const [comment, set_comment] = useState("");
  const [sending, set_sending] = useState<"" | "grant" | "refuse">("");
  const [problem, set_problem] = useState<Error>();
  const [voted, set_voted] = useState(false);
  const said = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (voted) said.current?.focus(); // the buttons are gone; the keyboard goes on from here
  }, [voted]);

  const vote = async (word: "grant" | "refuse") => {
    set_sending(word);
    set_problem(undefined);
    try {
      await post(`/approvals/${encodeURIComponent(approval.id)}/votes`, { vote: word, comment });
      set_voted(true);
      set_comment("");
    } catch (refused) {
      set_problem(refused as Error);
    }
    set_sending("");
    changed();
  };

  const comment_id = `comment-${approval.id}`;
  return (
    <Card title={title} aside={<State of={approval.state} word={approval.state === "open" ? "waits for approval" : approval.state} />}>
      <div class="body">
        <p>
          <b>{question(approval.what)}</b> <span class="quiet">Asked <Time at={approval.asked} />. {rule_text(approval)}</span>
        </p>
        {children}
        {approval.state === "void" && approval.reason && <p class="note">{approval.reason}</p>}
        {approval.votes.map((one) => (
          <div key={one.by} class="vote">
            <State of={one.vote === "grant" ? "granted" : "refused"} word={one.vote === "grant" ? "approved" : "refused"} /> by <b>{one.by}</b>{" "}
            <span class="quiet"><Time at={one.at} /></span>
            {one.comment && <blockquote>{one.comment}</blockquote>}
          </div>
        ))}
        <p ref={said} tabIndex={-1} role="status" class={voted ? "note good" : "unseen"}>
          {voted && (approval.state === "open" ? "Your vote is kept." : `The approval is ${approval.state}.`)}
        </p>
        <Trouble problem={problem} />
        {approval.state !== "open" || voted ? null : approval.may_vote ? (
          <form onSubmit={(event) => event.preventDefault()}>
            <label for={comment_id}>Comment</label>
            <textarea id={comment_id} rows={2} value={comment} placeholder="What did you look at? (optional)" onInput={(event) => set_comment(event.currentTarget.value)} />
            <div class="buttons">
              <button type="button" class="first" disabled={sending !== ""} onClick={() => vote("grant")}>
                {sending === "grant" ? "Approving…" : "Approve"}
              </button>
              <button type="button" class="bad" disabled={sending !== ""} onClick={() => vote("refuse")}>
                {sending === "refuse" ? "Refusing…" : "Refuse"}
              </button>
            </div>
          </form>
        ) : (
          <p class="note">{approval.why_not || "Your vote would not count here."}</p>
        )}
      </div>
    </Card>
  );
}
