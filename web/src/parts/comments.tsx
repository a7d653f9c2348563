// What people said about a subject, oldest first, and a place to say more.
import { useState } from "preact/hooks";
import { post } from "../api.ts";
import { useLoad } from "../load.ts";
import type { Comment, List, Me } from "../types.ts";
import { Card, Empty, Show, Time, Trouble } from "./basic.tsx";

const page_comments = 50;
const comments_max = 1000; // as many as the server hands out at once

// The text with the people it names set off.
function with_mentions({ text, mentions }: Comment) {
  if (!mentions.length) return text;
  return text.split(/(@[\w.-]*\w)/).map((part, i) => (i % 2 && mentions.includes(part.slice(1)) ? <b key={i} class="mention">{part}</b> : part));
}

export function Comments({ kind, subject, me }: { kind: string; subject: string; me: Me }) {
  const [shown, set_shown] = useState(page_comments);
  const list = useLoad<List<Comment>>("/comments", { subject, limit: shown });
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
                {found.next && shown < comments_max && (
                  <li>
                    <button type="button" class="plain" onClick={() => set_shown(shown + page_comments)}>Earlier comments</button>
                  </li>
                )}
                {found.items.toReversed().map((comment) => (
                  <li key={comment.id}>
                    <b>{comment.by}</b> <span class="quiet"><Time at={comment.at} /></span>
                    <p>{with_mentions(comment)}</p>
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
              placeholder="Write a comment; @name tells somebody, Ctrl+Enter sends it"
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
