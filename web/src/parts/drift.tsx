// Drift of each column in one window: how far from the reference, against which limit, and how that went over the windows. A column opens to its
// distance over time and the two distributions side by side.
import { useState } from "preact/hooks";
import type { ColumnSeen, WindowSeen } from "../types.ts";
import { days, finite, number, percent } from "../words.ts";
import { Card, Empty, State } from "./basic.tsx";
import { Distributions } from "./bins.tsx";
import { Chart } from "./chart.tsx";

const strip_windows = 26;

export const seconds_of = (at: string) => Date.parse(at) / 1000;
export const say_window = (windows: readonly WindowSeen[]) => (at: number) => {
  const window = windows.find(({ start }) => seconds_of(start) === at);
  return window ? days(window.start, window.end) : "";
};

function column_of(window: WindowSeen, name: string): ColumnSeen | undefined {
  return window.columns.find((column) => column.name === name) ?? window.outputs.find((column) => column.name === name);
}

const over = (column: ColumnSeen) => (finite(column.distance) ?? 0) / (finite(column.limit) || 1);

// One mark a window, as high as the distance is beside its limit; those over it stand out by colour and by reaching the line.
function Strip({ windows, at, name }: { windows: readonly WindowSeen[]; at: number; name: string }) {
  const from = Math.max(0, Math.min(at - strip_windows + 1, windows.length - strip_windows));
  const shown = windows.slice(from, from + strip_windows);
  const step = 130 / Math.max(shown.length, 12);
  const full = 2; // twice the limit and more reach the top
  return (
    <svg class="strip" width="130" height="24" viewBox="0 0 130 24" aria-hidden="true">
      <line x1="0" x2="130" y1="12" y2="12" />
      {shown.map((window, i) => {
        const column = column_of(window, name);
        if (!column || finite(column.distance) === undefined) return null;
        const height = Math.max(1.5, Math.min(1, over(column) / full) * 24);
        return <rect key={window.id} class={column.drifted || (column.role === "output" && over(column) >= 1) ? "over" : ""} data-picked={from + i === at} x={i * step + 0.5} width={Math.max(1.5, step - 1.5)} y={24 - height} height={height} />;
      })}
    </svg>
  );
}

function verdict(column: ColumnSeen) {
  if (column.drifted) return <State of="firing" word="drifted" />;
  if (column.role === "output") return <span class="quiet">{over(column) >= 1 ? "over the limit" : "within"}</span>;
  return column.tested ? <State of="ok" word="quiet" /> : <State of="none" word="not tested" />;
}

function Opened({ windows, at, pick, column }: { windows: readonly WindowSeen[]; at: number; pick: (index: number) => void; column: ColumnSeen }) {
  const window = windows[at]!;
  const seen = windows.map((one) => column_of(one, column.name));
  const facts = [
    `${column.test.replaceAll("_", " ")}: p ${number(column.p, 2)}${column.q === undefined ? "" : `, adjusted ${number(column.q, 2)}`}`,
    `distance ${number(column.distance)} (${column.measure.replaceAll("_", " ")})`,
    column.psi === undefined ? "" : `PSI ${number(column.psi, 3)}`,
    `${column.n.toLocaleString("en")} values`,
    column.missing ? `${percent((100 * column.missing) / (column.n + column.missing))} missing` : "",
    column.unseen ? `${column.unseen.toLocaleString("en")} rows with values that the reference does not have` : "",
  ];
  return (
    <div class="opened">
      <p class="quiet">{facts.filter(Boolean).join(" · ")}{column.note && ` · ${column.note}`}</p>
      <div class="halves">
        <Distributions window={window} column={column} />
        <Chart
          label={`Distance of ${column.name} from the reference over ${windows.length} windows, and its limit`}
          spec={{
            x: "Window",
            at: windows.map(({ start }) => seconds_of(start)),
            lines: [
              { name: "distance", tone: "accent", values: seen.map((one) => finite(one?.distance) ?? null) },
              { name: "limit", tone: "bad", dash: true, values: seen.map((one) => finite(one?.limit) ?? null) },
            ],
            from_zero: true,
            picked: at,
            pick,
            say: (value) => number(value, 3),
            say_x: say_window(windows),
          }}
        />
      </div>
    </div>
  );
}

function Rows({ windows, at, pick, columns, open, toggle }: { windows: readonly WindowSeen[]; at: number; pick: (index: number) => void; columns: ColumnSeen[]; open: string; toggle: (name: string) => void }) {
  return (
    <>
      {columns.map((column) => (
        <>
          <tr key={column.name} class="pressed" data-open={open === column.name} onClick={(event) => !(event.target as Element).closest("button") && toggle(column.name)}>
            <th scope="row">
              <button type="button" class="plain" aria-expanded={open === column.name} onClick={() => toggle(column.name)}>{column.name}</button>
            </th>
            <td>{verdict(column)}</td>
            <td class="num">{number(column.distance, 3)}</td>
            <td class="num quiet">{number(column.limit, 3)}</td>
            <td class="line"><Strip windows={windows} at={at} name={column.name} /></td>
            <td class="num quiet">{column.missing ? `${percent((100 * column.missing) / (column.n + column.missing))}` : ""}</td>
            <td class="quiet">{column.note}</td>
          </tr>
          {open === column.name && (
            <tr key={`${column.name} opened`}>
              <td colSpan={7} class="open-cell"><Opened windows={windows} at={at} pick={pick} column={column} /></td>
            </tr>
          )}
        </>
      ))}
    </>
  );
}

export function DriftCard({ windows, at, pick }: { windows: WindowSeen[]; at: number; pick: (index: number) => void }) {
  const [open, set_open] = useState("");
  const window = windows[at]!;
  const columns = window.columns.toSorted((a, b) => Number(b.drifted) - Number(a.drifted) || over(b) - over(a) || a.name.localeCompare(b.name));
  const toggle = (name: string) => set_open(open === name ? "" : name);
  const given = { windows, at, pick, open, toggle };
  const said = window.tested ? `${window.drifted} of ${window.tested} columns drifted` : "no column tested";
  return (
    <Card title="Drift" aside={<State of={window.drifted ? "firing" : "ok"} word={said} />}>
      {columns.length + window.outputs.length === 0 ? (
        <Empty>{window.note || "No column was compared: the version has no reference."}</Empty>
      ) : (
        <div class="wide">
          <table class="drift">
            <thead>
              <tr>
                <th scope="col">Column</th>
                <th scope="col">{days(window.start, window.end)}</th>
                <th scope="col" class="num">Distance</th>
                <th scope="col" class="num">Limit</th>
                <th scope="col">Over the windows</th>
                <th scope="col" class="num">Missing</th>
                <td />
              </tr>
            </thead>
            <tbody><Rows {...given} columns={columns} /></tbody>
            {window.outputs.length > 0 && (
              <tbody>
                <tr class="group"><th scope="rowgroup" colSpan={7}>Answers <span class="quiet">shown, not counted</span></th></tr>
                <Rows {...given} columns={window.outputs} />
              </tbody>
            )}
          </table>
        </div>
      )}
    </Card>
  );
}
