// Draws a chart over time with uPlot. Loaded with the first chart that is shown (parts/chart.tsx), not with the page.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { day_of, month_of } from "../words.ts";
import type { ChartSpec } from "./chart.tsx";

// uPlot draws on a canvas and wants colours, not custom properties: they are read as the reader's light or dark has them.
function colours(box: HTMLElement) {
  const probe = document.createElement("i");
  box.append(probe);
  const read = (name: string, part = 100) => {
    probe.style.color = part === 100 ? `var(--${name})` : `color-mix(in srgb, var(--${name}) ${part}%, transparent)`;
    return getComputedStyle(probe).color;
  };
  const found = { of: read, grid: read("line"), text: read("quiet"), mark: read("accent", 35), font: `12px ${getComputedStyle(box).fontFamily}` };
  return { ...found, done: () => probe.remove() };
}

const year_s = 366 * 86_400;
const points_max = 60; // more than that run into each other
const day_steps = [1, 2, 7, 14, 28, 56, 91, 182, 364, 728].map((days) => days * 86_400);

export interface Plot {
  show: (spec: ChartSpec) => void;
  end: () => void;
}

export function plot(box: HTMLElement): Plot {
  let drawn: uPlot | undefined;
  let last: ChartSpec | undefined;
  let shape = "";
  const height = 190;

  const data_of = (spec: ChartSpec): uPlot.AlignedData => {
    const columns: (number | null)[][] = [];
    for (const line of spec.lines) {
      if (line.band) columns.push(line.band.map(([low]) => low), line.band.map(([, high]) => high));
      columns.push(line.values);
    }
    return [spec.at, ...columns] as uPlot.AlignedData;
  };

  const build = (spec: ChartSpec) => {
    drawn?.destroy();
    const colour = colours(box);
    const series: uPlot.Series[] = [{ label: spec.x, value: (_, x) => (x === null || x === undefined ? "" : spec.say_x(x)) }];
    const bands: uPlot.Band[] = [];
    const say = (_: uPlot, value: number | null) => (value === null || value === undefined ? "–" : spec.say(value));
    for (const line of spec.lines) {
      if (line.band) {
        const edge: uPlot.Series = { class: "edge", stroke: "transparent", points: { show: false } };
        bands.push({ series: [series.length + 1, series.length], fill: colour.of(line.tone, 18) });
        series.push({ ...edge, label: `${line.name} from` }, { ...edge, label: `${line.name} to` });
      }
      series.push({
        label: line.name,
        stroke: colour.of(line.tone),
        width: line.dash ? 1.5 : 2,
        ...(line.dash && { dash: [5, 4] }),
        points: line.dash ? { show: false } : { show: (u) => u.data[0].length <= points_max, size: 6, fill: colour.of(line.tone) },
        spanGaps: false,
        value: say,
      });
    }
    const axis: uPlot.Axis = { stroke: colour.text, font: colour.font, grid: { stroke: colour.grid, width: 1 }, ticks: { show: false } };
    drawn = new uPlot(
      {
        width: Math.max(200, box.clientWidth),
        height,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        series,
        bands,
        axes: [
          { ...axis, grid: { show: false }, incrs: day_steps, space: 60, values: (_, splits) => splits.map(splits.at(-1)! - splits[0]! > year_s ? month_of : day_of) },
          { ...axis, size: 62, values: (_, splits) => splits.map((value) => spec.say(value)) },
        ],
        scales: { y: { range: (_, low, high) => room(low, high, spec.from_zero) } },
        cursor: { y: false, drag: { x: false, y: false } },
        legend: { live: true },
        hooks: {
          // Without a pointer over the chart the legend says the values of the window that is looked at.
          setLegend: [(u) => last && last.picked >= 0 && (u.legend.idx ?? null) === null && u.setLegend({ idx: last.picked }, false)],
          drawAxes: [
            (u) => {
              const at = last?.at[last.picked];
              if (at === undefined) return;
              const x = Math.round(u.valToPos(at, "x", true));
              u.ctx.save();
              u.ctx.strokeStyle = colour.mark;
              u.ctx.lineWidth = 6 * devicePixelRatio;
              u.ctx.beginPath();
              u.ctx.moveTo(x, u.bbox.top);
              u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
              u.ctx.stroke();
              u.ctx.restore();
            },
          ],
        },
      },
      data_of(spec),
      box,
    );
    drawn.over.addEventListener("click", () => {
      const i = drawn?.cursor.idx;
      if (typeof i === "number") last?.pick(i);
    });
    colour.done();
  };

  const show = (spec: ChartSpec) => {
    const next = JSON.stringify([spec.x, spec.from_zero, spec.lines.map((line) => [line.name, line.tone, line.dash, Boolean(line.band)])]);
    last = spec;
    if (next !== shape || !drawn) {
      shape = next;
      build(spec);
    } else {
      drawn.setData(data_of(spec)); // draws, the mark too
      if ((drawn.cursor.left ?? -1) < 0) drawn.setLegend({ idx: spec.picked }, false);
    }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const again = () => last && build(last);
  dark.addEventListener("change", again);
  const watcher = new ResizeObserver(() => drawn && box.clientWidth > 0 && drawn.width !== box.clientWidth && drawn.setSize({ width: box.clientWidth, height }));
  watcher.observe(box);
  return {
    show,
    end: () => {
      watcher.disconnect();
      dark.removeEventListener("change", again);
      drawn?.destroy();
    },
  };
}

function room(low: number | null, high: number | null, from_zero: boolean): [number, number] {
  if (low === null || high === null) return [0, 1];
  const least = from_zero ? Math.min(0, low) : low;
  const space = (high - least || Math.abs(high) || 1) * 0.1;
  return [from_zero && low >= 0 ? 0 : least - space, high + space];
}
