// Two distributions of one column side by side: the reference and the window, as shares over the same bins.
import { useLoad } from "../load.ts";
import type { Bin, ColumnSeen, List, WindowSeen } from "../types.ts";
import { days, finite, number, percent } from "../words.ts";
import { Show } from "./basic.tsx";

const share = (value: number) => percent(100 * value);

function Legend({ window }: { window: WindowSeen }) {
  return (
    <p class="bin-legend">
      <span class="swatch reference" /> reference of version {window.version} <span class="swatch current" /> {days(window.start, window.end)}
    </p>
  );
}

// Numbers: bars over the axis, each bin in its place, however wide.
function Histogram({ bins, label }: { bins: Bin[]; label: string }) {
  const most = Math.max(...bins.flatMap((bin) => [bin.reference, bin.current]), 1e-9);
  const width = 640;
  const height = 185;
  const step = width / bins.length;
  const bar = (value: number) => (value / most) * (height - 8);
  const edges = bins.map((bin) => finite(bin.low));
  const every = Math.ceil(bins.length / 8);
  return (
    <svg class="bins" viewBox={`0 0 ${width} ${height + 20}`} role="img" aria-label={label}>
      {bins.map((bin, i) => (
        <g key={bin.label}>
          <title>{`${bin.label}: reference ${share(bin.reference)}, window ${share(bin.current)}`}</title>
          <rect class="hit" x={i * step} y="0" width={step} height={height} />
          <rect class="reference" x={i * step + step * 0.1} y={height - bar(bin.reference)} width={step * 0.38} height={bar(bin.reference)} />
          <rect class="current" x={i * step + step * 0.52} y={height - bar(bin.current)} width={step * 0.38} height={bar(bin.current)} />
          {edges[i] !== undefined && i % every === 0 && <text x={i * step} y={height + 15}>{number(edges[i], 3)}</text>}
        </g>
      ))}
      <line x1="0" x2={width} y1={height} y2={height} />
    </svg>
  );
}

// Texts: one line a value, the frequent ones first.
function Values({ bins }: { bins: Bin[] }) {
  const most = Math.max(...bins.flatMap((bin) => [bin.reference, bin.current]), 1e-9);
  return (
    <dl class="values">
      {bins.map((bin) => (
        <div key={bin.label}>
          <dt class="cut" title={bin.label}>{bin.label || "(empty)"}</dt>
          <dd>
            <span class="bar reference" style={{ width: `${(100 * bin.reference) / most}%` }} />
            <span class="bar current" style={{ width: `${(100 * bin.current) / most}%` }} />
          </dd>
          <dd class="num quiet">{share(bin.reference)} → {share(bin.current)}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Distributions({ window, column }: { window: WindowSeen; column: ColumnSeen }) {
  const path = `/endpoints/${encodeURIComponent(window.endpoint)}/windows/${encodeURIComponent(window.id)}/columns/${column.name.split("/").map(encodeURIComponent).join("/")}`;
  const loaded = useLoad<List<Bin>>(path, {}, 0, () => window.state === "recomputed");
  const label = `${column.name}: the reference beside ${days(window.start, window.end)}`;
  return (
    <Show of={loaded}>
      {({ items }) =>
        items.length ? (
          <figure aria-label={label}>
            <Legend window={window} />
            {column.kind === "number" ? <Histogram bins={items} label={label} /> : <Values bins={items} />}
          </figure>
        ) : (
          <p class="quiet">No distribution was kept{column.note && `: ${column.note}`}.</p>
        )
      }
    </Show>
  );
}
