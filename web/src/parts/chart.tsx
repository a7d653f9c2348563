// A chart over windows: lines, a band where there is an interval, a mark at the window that is looked at; a click picks another. What it shows
// stands in a table beside it, so for the keyboard and for readers it is a picture with a sentence.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Plot } from "./plot.ts";
import { Trouble } from "./basic.tsx";

export interface Line {
  name: string;
  values: (number | null)[];
  tone: "accent" | "quiet" | "bad" | "busy" | "wait";
  dash?: boolean;
  band?: [number | null, number | null][];
}
export interface ChartSpec {
  x: string;    // what the points of time are
  at: number[]; // seconds since 1970, growing
  lines: Line[];
  from_zero: boolean;
  picked: number;
  pick: (index: number) => void;
  say: (value: number) => string;
  say_x: (at: number) => string;
}

export function Chart({ label, spec }: { label: string; spec: ChartSpec }) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<Plot>(undefined);
  const newest = useRef(spec);
  newest.current = spec;
  const [problem, set_problem] = useState<Error>();
  useEffect(() => {
    let left = false;
    import("./plot.ts")
      .then(({ plot }) => {
        if (left || !box.current) return;
        drawn.current = plot(box.current);
        drawn.current.show(newest.current);
      })
      .catch(() => set_problem(new Error("The charts could not be loaded.")));
    return () => {
      left = true;
      drawn.current?.end();
    };
  }, []);
  useEffect(() => drawn.current?.show(spec));
  return (
    <>
      <Trouble problem={problem} />
      <div class="chart" ref={box} role="img" aria-label={label} />
    </>
  );
}
