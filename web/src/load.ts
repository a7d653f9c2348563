// What a page shows comes from here: read once, again after each change the server tells of, and (where asked) every few seconds, for
// numbers that make no event, such as an endpoint's traffic. An empty path reads nothing; `when` says which changes matter. What was read stays on the page while it is read again.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.ts";
import { on_notice, type Notice } from "./live.ts";

const gap_ms_min = 300; // between two reads of the same thing, however many events arrive

export interface Loaded<T> {
  value: T | undefined;
  problem: Error | undefined;
  again: () => void;
}

export function useLoad<T>(path: string, query: Record<string, string | number | undefined> = {}, every_ms = 0, when?: (notice: Notice) => boolean): Loaded<T> {
  const key = path + JSON.stringify(query);
  const [state, set] = useState<{ key: string; value?: T; problem?: Error }>({ key });
  const ask = useRef<() => void>(() => {});

  useEffect(() => {
    if (!path) return;
    const stop = new AbortController();
    let running = false;
    let again = false;
    let last = 0;
    let timer = 0;
    const run = async () => {
      if (running) return void (again = true);
      clearTimeout(timer);
      const due = last + gap_ms_min - performance.now();
      if (due > 0) return void (timer = setTimeout(run, due));
      running = true;
      last = performance.now();
      try {
        const value = await get<T>(path, query, stop.signal);
        if (!stop.signal.aborted) set({ key, value });
      } catch (problem) {
        if (!stop.signal.aborted) set((old) => ({ ...(old.key === key ? old : { key }), problem: problem as Error }));
      }
      running = false;
      if (again && !stop.signal.aborted) {
        again = false;
        void run();
      }
    };
    ask.current = run;
    void run();
    const leave = on_notice((notice) => (!when || notice.event === "reconnected" || when(notice)) && void run());
    const ticker = every_ms ? setInterval(() => document.hidden || void run(), every_ms) : 0;
    return () => {
      stop.abort();
      leave();
      clearTimeout(timer);
      clearInterval(ticker);
    };
  }, [key, every_ms]);

  const again = useCallback(() => ask.current(), []);
  const mine = state.key === key;
  return { value: mine ? state.value : undefined, problem: mine ? state.problem : undefined, again };
}
