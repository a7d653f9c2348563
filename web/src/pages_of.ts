// A list that is read page by page, newest first, as it is scrolled. After a change the first page is read again: what is new comes to the top, what
// changed there is replaced; lines further down stay as they were read. With another query the old lines stay until the new ones are here.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.ts";
import { on_notice, type Notice } from "./live.ts";
import type { List } from "./types.ts";

const gap_ms_min = 500;

export interface Pages<T> {
  items: T[] | undefined;
  problem: Error | undefined;
  more: boolean; // there are older ones
  older: () => void;
  again: () => void;
}

export function usePages<T>(path: string, query: Record<string, string | number | undefined>, key_of: (item: T) => string, when: (notice: Notice) => boolean): Pages<T> {
  const [items, set_items] = useState<T[]>();
  const [more, set_more] = useState(false);
  const [problem, set_problem] = useState<Error>();
  const ask = useRef({ older: () => {}, again: () => {} });
  const name = path + JSON.stringify(query);

  useEffect(() => {
    const stop = new AbortController();
    let held: T[] = [];
    let next: string | undefined;
    let running = Promise.resolve();
    let timer = 0;
    const read = (work: () => Promise<void>) => {
      running = running.then(async () => {
        if (stop.signal.aborted) return;
        try {
          await work();
          set_problem(undefined);
          set_items(held);
          set_more(Boolean(next));
        } catch (refused) {
          if (!stop.signal.aborted) set_problem(refused as Error);
        }
      });
    };
    const newest = () =>
      read(async () => {
        const found = await get<List<T>>(path, query, stop.signal);
        const fresh = new Set(found.items.map(key_of));
        const rest = held.filter((item) => !fresh.has(key_of(item)));
        // More came at once than a page holds: what lies between was not read, so the list begins anew.
        const gap = held.length > 0 && found.next !== "" && rest.length === held.length;
        held = gap ? found.items : [...found.items, ...rest];
        if (next === undefined || gap) next = found.next;
      });
    let asked = false;
    const older = () => {
      if (asked || !next) return;
      asked = true;
      read(async () => {
        asked = false;
        if (!next) return;
        const found = await get<List<T>>(path, { ...query, after: next }, stop.signal);
        const known = new Set(held.map(key_of));
        held = [...held, ...found.items.filter((item) => !known.has(key_of(item)))];
        next = found.next;
      });
    };
    ask.current = { older, again: newest };
    newest();
    const leave = on_notice((notice) => {
      if ((notice.event !== "reconnected" && !when(notice)) || timer) return;
      timer = setTimeout(() => {
        timer = 0;
        newest();
      }, gap_ms_min);
    });
    return () => {
      stop.abort();
      clearTimeout(timer);
      leave();
    };
  }, [name]);

  return { items, problem, more, older: useCallback(() => ask.current.older(), []), again: useCallback(() => ask.current.again(), []) };
}
