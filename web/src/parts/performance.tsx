// How good the answers were, once their labels came: the watched metric over the windows with its interval, its limit, and what the version before
// would have done on the same rows; all metrics and slices of one window.
import type { Measured, PerformanceSeen, WindowSeen } from "../types.ts";
import { days, finite, number } from "../words.ts";
import { Card, Empty, State } from "./basic.tsx";
import { Chart, type Line } from "./chart.tsx";
import { say_window, seconds_of } from "./drift.tsx";
import { Interval } from "./interval.tsx";

const of_metric = (found: Measured[] | undefined, name: string) => found?.find(({ metric }) => metric === name);
const words = (name: string) => name.replaceAll("_", " ");

function Over({ windows, at, pick, metric }: { windows: WindowSeen[]; at: number; pick: (index: number) => void; metric: string }) {
  const seen = windows.map(({ performance }) => performance);
  const value = (get: (one: PerformanceSeen) => Measured["value"]) => seen.map((one) => (one ? (finite(get(one)) ?? null) : null));
  const low = value((one) => one.watched.low);
  const high = value((one) => one.watched.high);
  const previous = value((one) => of_metric(one.previous?.metrics, metric)?.value);
  const lines: Line[] = [
    { name: words(metric), tone: "accent", values: value((one) => one.watched.value), band: low.map((from, i) => [from, high[i] ?? null]) },
    { name: "the version before, on the same rows", tone: "wait", values: previous },
    { name: "at its evaluation", tone: "quiet", dash: true, values: value((one) => one.reference) },
    { name: "limit", tone: "bad", dash: true, values: value((one) => one.limit) },
  ].filter(({ values }) => values.some((one) => one !== null)) as Line[];
  return (
    <Chart
      label={`${words(metric)} over ${windows.length} windows with its interval and its limit`}
      spec={{ x: "Window", at: windows.map(({ start }) => seconds_of(start)), lines, from_zero: false, picked: at, pick, say: (one) => number(one, 3), say_x: say_window(windows) }}
    />
  );
}

function Numbers({ measured, limit, beside = [] }: { measured: Measured | undefined; limit?: number | undefined; beside?: number[] }) {
  const dot = finite(measured?.value);
  const low = finite(measured?.low);
  return (
    <>
      <td class="num">{number(measured?.value)}</td>
      <td class="num quiet">{low !== undefined ? `${number(measured?.low)} … ${number(measured?.high)}` : ""}</td>
      <td class="line">{dot !== undefined && low !== undefined && <Interval estimate={dot} low={low} high={finite(measured?.high)} limit={limit} beside={beside} />}</td>
      <td class="num">{measured?.n.toLocaleString("en")}</td>
    </>
  );
}

function Table({ window, performance }: { window: WindowSeen; performance: PerformanceSeen }) {
  const { watched, previous, gain, slices, versions } = performance;
  const metric = watched.metric;
  const limit = finite(performance.limit);
  const span = slices.flatMap(({ measured }) => [finite(measured.low), finite(measured.high)]).filter((one) => one !== undefined);
  const others = performance.metrics.filter((one) => one.metric !== metric);
  const row = (name: string, measured: Measured | undefined, more: { limit?: number | undefined; beside?: number[]; say?: string } = {}) => (
    <tr key={name}>
      <th scope="row">{name}</th>
      <Numbers measured={measured} {...(more.limit !== undefined && { limit: more.limit })} beside={more.beside ?? []} />
      <td class="quiet">{more.say || (measured?.note === watched.note ? "" : measured?.note)}</td>
    </tr>
  );
  return (
    <div class="wide">
      <table class="performance">
        <thead>
          <tr>
            <th scope="col">{days(window.start, window.end)}</th>
            <th scope="col" class="num">Value</th>
            <th scope="col" class="num">Interval</th>
            <td />
            <th scope="col" class="num">Labelled</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {row(words(metric), watched, { limit, say: watched.note })}
          {previous && row(`Version ${previous.version} on the same rows`, of_metric(previous.metrics, metric))}
          {gain && row(`Gained over version ${previous?.version ?? ""}`, gain, { limit: 0 })}
          {versions.filter(({ version }) => version !== window.version).map((one) => row(`Version ${one.version} alone`, of_metric(one.metrics, metric)))}
          {others.map((one) => row(words(one.metric), one))}
        </tbody>
        {slices.length > 0 && (
          <tbody>
            <tr class="group"><th scope="rowgroup" colSpan={6}>By slice</th></tr>
            {slices.map((slice) => row(`${slice.by} ${slice.value} · ${words(slice.measured.metric)}`, slice.measured, { beside: span, say: slice.judged ? "" : "too few rows to judge" }))}
          </tbody>
        )}
      </table>
    </div>
  );
}

export function PerformanceCard({ windows, at, pick }: { windows: WindowSeen[]; at: number; pick: (index: number) => void }) {
  const window = windows[at]!;
  const now = window.performance;
  const metric = now?.watched.metric ?? windows.findLast((one) => one.performance)?.performance?.watched.metric;
  if (!metric) return <Card title="Performance"><Empty>No labels have come for a closed window, or no metric is watched.</Empty></Card>;
  const state = !now ? undefined : !now.mature ? <State of="waiting" word="too few labels to judge" /> : now.worse ? <State of="firing" word="over its limit" /> : <State of="ok" word="within its limit" />;
  return (
    <Card title="Performance" aside={state}>
      {windows.some(({ performance }) => finite(performance?.watched.value) !== undefined) && <div class="body"><Over windows={windows} at={at} pick={pick} metric={metric} /></div>}
      {now?.metrics.some(({ n }) => n > 0) ? <Table window={window} performance={now} /> : <Empty>No labels for {days(window.start, window.end)} so far.</Empty>}
    </Card>
  );
}
