// A version beside another, mostly the champion: what was measured, what it was trained with and on. Only what differs is shown at once.
import { useLoad } from "../load.ts";
import { link } from "../route.ts";
import type { DatasetUse, Origin, Real, VersionLine } from "../types.ts";
import { finite, moment, number, short, version_name } from "../words.ts";
import { Card, Trouble } from "./basic.tsx";

interface Row {
  name: string;
  mine: string;
  theirs: string;
  change: string;
}

function metrics_of(line: VersionLine): Map<string, Real> {
  const found = new Map<string, Real>();
  for (const check of line.gate?.checks ?? []) if (check.kind === "metric" && check.estimate !== undefined) found.set(`${check.name.replace(/^metric /, "")} (judged)`, check.estimate);
  for (const [name, value] of Object.entries(line.metrics)) found.set(`${name} (logged)`, value);
  return found;
}

function data_words(use: DatasetUse): string {
  const period = use.time_min && use.time_max ? `, ${moment(use.time_min).slice(0, 10)} to ${moment(use.time_max).slice(0, 10)}` : "";
  return `${use.rows ? `${use.rows.toLocaleString("en")} rows` : short(use.digest)}${period}`;
}

function rows_of(mine: Map<string, string>, theirs: Map<string, string>): Row[] {
  return [...new Set([...mine.keys(), ...theirs.keys()])].map((name) => ({ name, mine: mine.get(name) ?? "–", theirs: theirs.get(name) ?? "–", change: "" }));
}

// The gate's direct comparison, when it was with this version: both answered the same rows, later than either one's training.
function compared(line: VersionLine, other: VersionLine): Row | undefined {
  const check = line.gate?.checks.find(({ kind }) => kind === "better_than");
  const champion = (line.gate?.digests as { champion?: unknown } | undefined)?.champion;
  const theirs = (check?.evidence as { champion?: Real } | undefined)?.champion;
  const by = finite(check?.estimate);
  if (!check || by === undefined || finite(theirs) === undefined || champion !== version_name(other.name, other.version)) return undefined;
  const metric = / in (\w+)/.exec(check.expected)?.[1] ?? "metric";
  const sure = check.low === undefined ? "" : ` [${number(check.low, 3)}, ${number(check.high, 3)}]`;
  return { name: `${metric} on the same rows`, mine: `${by >= 0 ? "better" : "worse"} by ${number(Math.abs(by))}${sure}`, theirs: number(theirs), change: "" };
}

function sides(line: VersionLine, other: VersionLine, mine: Origin | undefined, theirs: Origin | undefined) {
  const own = metrics_of(line);
  const beside = metrics_of(other);
  const metrics: Row[] = [...new Set([...own.keys(), ...beside.keys()])].map((name) => {
    const a = finite(own.get(name));
    const b = finite(beside.get(name));
    const change = a !== undefined && b !== undefined ? `${a > b ? "+" : ""}${number(a - b, 3)}` : "";
    return { name, mine: number(own.get(name)) || "–", theirs: number(beside.get(name)) || "–", change };
  });
  const better = compared(line, other);
  if (better) metrics.unshift(better);
  const texts = (origin: Origin | undefined) => new Map(Object.entries({ ...origin?.params, ...origin?.set }));
  const data = (origin: Origin | undefined) => new Map(origin?.datasets.map((use) => [`${use.role === "other" ? "" : `${use.role}: `}${use.path}`, data_words(use)]));
  const code = (one: VersionLine) => new Map([["commit", one.commit ? short(one.commit) : "–"]]);
  return { metrics, params: rows_of(texts(mine), texts(theirs)), data: rows_of(data(mine), data(theirs)), code: rows_of(code(line), code(other)) };
}

function Group({ name, rows, all = false }: { name: string; rows: Row[]; all?: boolean }) {
  const shown = all ? rows : rows.filter((row) => row.mine !== row.theirs);
  const same = rows.length - shown.length;
  if (!rows.length) return null;
  return (
    <tbody>
      <tr class="group">
        <th scope="rowgroup" colSpan={4}>
          {name} {same > 0 && <span class="quiet">{shown.length ? `and ${same} that are equal` : same === 1 ? "equal" : `all ${same} equal`}</span>}
        </th>
      </tr>
      {shown.map((row) => (
        <tr key={row.name}>
          <th scope="row" class="long-word">{row.name}</th>
          <td class="long-word">{row.mine}</td>
          <td class="long-word quiet">{row.theirs}</td>
          <td class="num">{row.change}</td>
        </tr>
      ))}
    </tbody>
  );
}

export function BesideCard({ line, other, is }: { line: VersionLine; other: VersionLine; is: "champion" | "version before" }) {
  const mine = useLoad<Origin>(`/restore/${encodeURIComponent(line.name)}/${line.version}`, {}, 0, () => false);
  const theirs = useLoad<Origin>(`/restore/${encodeURIComponent(other.name)}/${other.version}`, {}, 0, () => false);
  const { metrics, params, data, code } = sides(line, other, mine.value, theirs.value);
  return (
    <Card title={`Beside the ${is}`} aside={<a href={link("models", other.name, String(other.version))}>{version_name(other.name, other.version)}</a>}>
      <Trouble problem={mine.problem ?? theirs.problem} />
      <div class="wide">
        <table class="beside">
          <thead>
            <tr>
              <td />
              <th scope="col">Version {line.version}</th>
              <th scope="col">{is === "champion" ? "Champion" : "Before"}, {other.version}</th>
              <th scope="col" class="num">Change</th>
            </tr>
          </thead>
          <Group name="Metrics" rows={metrics} all />
          <Group name="Parameters" rows={params} />
          <Group name="Data" rows={data} />
          <Group name="Code" rows={code} />
        </table>
      </div>
    </Card>
  );
}
