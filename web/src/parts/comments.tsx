// What people said about a subject, oldest first, and a place to say more.
import { useState } from "preact/hooks";
import { post } from "../api.ts";
import { useLoad } from "../load.ts";
import type { Comment, List, Me } from "../types.ts";
import { Card, Empty, Show, Time, Trouble } from "./basic.tsx";

export function Comments({ kind, subject, me }: { kind: string; subject: string; me: Me }) {
  const list = useLoad<List<Comment>>("/comments", { subject, limit: 500 });
  const [text, set_text] = useState("");
  const [problem, set_problem] = useState<Error>();
  const [sending, set_sending] = useState(false);

  const send = async (event: Event) => {
    event.preventDefault();
    if (!text.trim() || sending) return;
    set_sending(true);
    set_problem(undefined);
    try {
      await post("/comments", { subject_kind: kind, subject, text });
      set_text("");
      list.again();
    } catch (refused) {
      set_problem(refused as Error);
    }
    set_sending(false);
  };

  return (
    <Card title="Comments">
      <div class="body">
        <Show of={list}>
          {(found) =>
            found.items.length ? (
              <ol class="comments">
                {found.items.map((comment) => (
                  <li key={comment.id}>
                    <b>{comment.by}</b> <span class="quiet"><Time at={comment.at} /></span>
                    <p>{comment.text}</p>
                  </li>
                ))}
              </ol>
            ) : (
              <Empty>Nobody has said anything yet.</Empty>
            )
          }
        </Show>
        {me.role === "viewer" ? null : (
          <form onSubmit={send}>
            <label for="say" class="unseen">Your comment</label>
            <textarea
              id="say"
              rows={2}
              placeholder="Write a comment; Ctrl+Enter sends it"
              value={text}
              onInput={(event) => set_text(event.currentTarget.value)}
              onKeyDown={(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && void send(event)}
            />
            <Trouble problem={problem} />
            <div class="buttons">
              <button disabled={!text.trim() || sending}>Comment</button>
            </div>
          </form>
        )}
      </div>
    </Card>
  );
}
