// A list of any length: only the rows in sight exist. Arrow keys, Page Up and Down, Home and End move the marked row, Enter opens it.
// `on_end` is asked for more when the end comes near: lists page by key.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props<T> {
  label: string;
  items: readonly T[];
  row_px: number;
  height_max: string; // a CSS length
  key_of: (item: T) => string | number;
  row: (item: T) => ComponentChildren;
  selected?: string | number | undefined;
  on_open?: (item: T) => void;
  on_end?: () => void;
  head?: ComponentChildren;
  class?: string;
}
const spare_rows = 8; // beyond the edge, so that quick scrolling shows no gap

export function LongList<T>(props: Props<T>) {
  const { items, row_px, key_of } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, set_view] = useState({ top: 0, height: 600 });
  const [marked, set_marked] = useState<string | number | undefined>(undefined);

  const measure = () => {
    const el = box.current;
    if (el) set_view((old) => (old.top === el.scrollTop && old.height === el.clientHeight ? old : { top: el.scrollTop, height: el.clientHeight }));
  };
  useLayoutEffect(() => {
    const watcher = new ResizeObserver(measure);
    if (box.current) watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(view.top / row_px) - spare_rows);
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / row_px) + spare_rows);
  useEffect(() => {
    if (last >= items.length - spare_rows) props.on_end?.();
  }, [last, items.length]);

  const mark_key = marked ?? props.selected;
  const at = items.findIndex((item) => key_of(item) === mark_key);
  const move_to = (index: number) => {
    const to = Math.max(0, Math.min(items.length - 1, index));
    const item = items[to];
    const el = box.current;
    if (!item || !el) return;
    set_marked(key_of(item));
    if (to * row_px < el.scrollTop) el.scrollTop = to * row_px;
    else if ((to + 1) * row_px > el.scrollTop + el.clientHeight) el.scrollTop = (to + 1) * row_px - el.clientHeight;
  };
  const on_key = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.height / row_px) - 1);
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: items.length - 1 };
    const index = to[event.key];
    const item = items[at];
    if (index !== undefined) move_to(index);
    else if (event.key === "Enter" && item) props.on_open?.(item);
    else return;
    event.preventDefault();
  };

  return (
    <div class={`long ${props.class ?? ""}`}>
      {props.head && <div class="row head" aria-hidden="true">{props.head}</div>}
      <div
        class="box"
        ref={box}
        tabIndex={0}
        role="listbox"
        aria-label={props.label}
        aria-activedescendant={at >= 0 ? `${props.label}-${mark_key}` : undefined}
        style={{ height: `min(${items.length * row_px}px, ${props.height_max})` }}
        onScroll={measure}
        onKeyDown={on_key}
        onFocus={() => at < 0 && items[first] && set_marked(key_of(items[first]))}
      >
        <div style={{ height: `${items.length * row_px}px`, position: "relative" }}>
          {items.slice(first, last).map((item, i) => {
            const key = key_of(item);
            return (
              <div
                key={key}
                id={`${props.label}-${key}`}
                class="row"
                role="option"
                aria-selected={key === props.selected}
                aria-posinset={first + i + 1}
                aria-setsize={items.length}
                data-marked={key === mark_key}
                style={{ position: "absolute", top: `${(first + i) * row_px}px`, height: `${row_px}px` }}
                onClick={() => {
                  set_marked(key);
                  props.on_open?.(item);
                }}
              >
                {props.row(item)}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
