// What the runner printed, followed while it prints. The newest lines are kept, however long the log is.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get } from "../api.ts";
import { useLoad } from "../load.ts";
import type { List, LogText, Task } from "../types.ts";
import { Card, Empty, State, Time, Trouble } from "./basic.tsx";

const follow_ms = 1000; // printing makes no event
const chars_max = 200_000;
const names: Record<Task["kind"], string> = { inspect: "read the commit", pipeline: "train", evaluate: "evaluate" };

function useLog(id: string, runs: boolean) {
  const [log, set_log] = useState({ text: "", cut: false });
  const [problem, set_problem] = useState<Error>();
  const place = useRef({ id: "", from: 0 });
  useEffect(() => {
    const stop = new AbortController();
    if (place.current.id !== id) {
      place.current = { id, from: 0 };
      set_log({ text: "", cut: false });
    }
    let timer = 0;
    const read = async () => {
      try {
        for (;;) {
          const piece = await get<LogText>(`/tasks/${encodeURIComponent(id)}/log`, { from: place.current.from }, stop.signal);
          place.current.from = piece.next;
          set_problem(undefined);
          if (!piece.text) break;
          set_log((old) => {
            const text = old.text + piece.text;
            return text.length <= chars_max ? { text, cut: old.cut } : { text: text.slice(text.indexOf("\n", text.length - chars_max) + 1), cut: true };
          });
        }
      } catch (refused) {
        if (!stop.signal.aborted) set_problem(refused as Error);
      }
      if (runs && !stop.signal.aborted) timer = setTimeout(read, follow_ms);
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id, runs]);
  return { ...log, problem };
}

function Text({ task }: { task: Task }) {
  const runs = task.state === "running";
  const { text, cut, problem } = useLog(task.id, runs);
  const box = useRef<HTMLPreElement>(null);
  const at_end = useRef(true);
  useLayoutEffect(() => {
    if (box.current && at_end.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <>
      <Trouble problem={problem} />
      {task.error && <p class="note bad">{task.error}</p>}
      <pre
        class="log"
        ref={box}
        tabIndex={0}
        role="log"
        aria-label={`Log: ${names[task.kind]}`}
        onScroll={({ currentTarget: el }) => (at_end.current = el.scrollTop + el.clientHeight >= el.scrollHeight - 8)}
      >
        {cut && "…\n"}
        {text || (runs ? "Nothing printed yet." : task.state === "waiting" ? "Waits for a runner." : "Nothing was printed.")}
      </pre>
    </>
  );
}

export function LogCard({ flow }: { flow: string }) {
  const tasks = useLoad<List<Task>>("/tasks", { flow }, 5000);
  const [picked, set_picked] = useState("");
  const items = tasks.value?.items ?? [];
  // Without a pick: the one that runs, else the training, which says most.
  const shown = items.find((task) => task.id === picked) ?? items.findLast((task) => task.state === "running") ?? items.find((task) => task.kind === "pipeline") ?? items.at(-1);
  return (
    <Card
      title="Log"
      aside={
        shown && (
          <>
            <span class="quiet">{shown.runner && `runner ${shown.runner}, `}<Time at={shown.created} /></span>
            <State of={shown.state} />
          </>
        )
      }
    >
      <div class="body">
        <Trouble problem={tasks.problem} />
        {items.length > 1 && (
          <div class="buttons" role="group" aria-label="Tasks">
            {items.map((task) => (
              <button key={task.id} type="button" aria-pressed={task === shown} onClick={() => set_picked(task.id)}>
                {names[task.kind] ?? task.kind}
              </button>
            ))}
          </div>
        )}
        {shown ? <Text key={shown.id} task={shown} /> : <Empty>No runner has worked for this flow.</Empty>}
      </div>
    </Card>
  );
}
