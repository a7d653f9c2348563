// The gate of a model version: each check with its state and the evidence it was decided on.
import type { Check, Gate, Real } from "../types.ts";
import { finite, number } from "../words.ts";
import { Card, Empty, State, Time } from "./basic.tsx";
import { Interval } from "./interval.tsx";

// The limit as a number, where a check holds an estimate against one: `expected` is words ("at most 18"). A difference is held against 0.
function limit_of(check: Check): number | undefined {
  if (check.kind === "better_than") return 0;
  if (check.kind !== "metric" && check.kind !== "slices") return undefined;
  const found = /(?:at most|at least|more than|to) (-?[\d.]+(?:e[-+]?\d+)?)/.exec(check.expected);
  return found ? Number(found[1]) : undefined;
}

// The evidence of `slices` and of `data`.
interface Slice {
  value: unknown;
  judged: boolean;
  estimate?: Real;
  low?: Real;
  high?: Real;
  n: number;
}
interface Finding {
  path: string;
  column: string;
  check: string;
  expected: unknown;
  seen: unknown;
}
function slices_of(check: Check): { by: string; items: Slice[] } {
  const found = check.kind === "slices" ? (check.evidence as { by?: string; items?: Slice[] } | undefined) : undefined;
  return { by: found?.by ?? "", items: found?.items ?? [] };
}
function findings_of(check: Check): Finding[] {
  const files = check.kind === "data" && Array.isArray(check.evidence) ? (check.evidence as { path: string; findings: Finding[] }[]) : [];
  return files.flatMap((file) => file.findings.map((finding) => ({ ...finding, path: file.path })));
}
const text = (value: unknown) => (typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value));

function Numbers({ estimate, low, high, n, limit, beside = [] }: { estimate?: Real | undefined; low?: Real | undefined; high?: Real | undefined; n?: number | undefined; limit?: number | undefined; beside?: number[] }) {
  const dot = finite(estimate);
  return (
    <>
      <td class="num">{number(estimate)}</td>
      <td class="num quiet">{low !== undefined && high !== undefined ? `${number(low)} … ${number(high)}` : ""}</td>
      <td class="line">{dot !== undefined && (finite(low) !== undefined || limit !== undefined) && <Interval estimate={dot} low={finite(low)} high={finite(high)} limit={limit} beside={beside} />}</td>
      <td class="num">{n ? n.toLocaleString("en") : ""}</td>
    </>
  );
}

function Rows({ check }: { check: Check }) {
  const { by, items: slices } = slices_of(check);
  const span = slices.flatMap((slice) => [finite(slice.low), finite(slice.high)]).filter((value) => value !== undefined);
  const findings = findings_of(check);
  return (
    <tbody>
      <tr>
        <td>
          <State of={check.state} />
        </td>
        <th scope="row">
          {check.name}
          <p class="quiet">{check.expected}</p>
        </th>
        <td class="seen">
          {check.seen}
          {check.reason && check.reason !== check.seen && <p class="quiet">{check.reason}</p>}
        </td>
        <Numbers estimate={check.estimate} low={check.low} high={check.high} n={check.n} limit={limit_of(check)} />
      </tr>
      {slices.map((slice) => (
        <tr key={text(slice.value)} class="under">
          <td />
          <th scope="row">
            {by} {text(slice.value)}
          </th>
          <td>{slice.judged ? "" : "too few rows to judge"}</td>
          <Numbers estimate={slice.estimate} low={slice.low} high={slice.high} n={slice.n} beside={span} />
        </tr>
      ))}
      {findings.map((finding, i) => (
        <tr key={i} class="under">
          <td />
          <th scope="row">
            {finding.path}: {finding.column} {finding.check} {text(finding.expected)}
          </th>
          <td>{text(finding.seen)}</td>
          <td colSpan={4} />
        </tr>
      ))}
    </tbody>
  );
}

export function GateCard({ gate }: { gate: Gate | undefined }) {
  const judged = gate?.judged ? (
    <span class="quiet">
      judged <Time at={gate.judged} />
    </span>
  ) : null;
  return (
    <Card title="Gate" aside={gate && <>{judged} <State of={gate.state} /></>}>
      {gate?.checks.length ? (
        <div class="wide" tabIndex={0} role="region" aria-label="Checks of the gate">
          <table class="gate">
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">Check, and what it expects</th>
                <th scope="col">Seen</th>
                <th scope="col" class="num">Estimate</th>
                <th scope="col" class="num">Interval</th>
                <td />
                <th scope="col" class="num">n</th>
              </tr>
            </thead>
            {gate.checks.map((check) => (
              <Rows key={check.name} check={check} />
            ))}
          </table>
        </div>
      ) : (
        <Empty>This version has not been judged.</Empty>
      )}
    </Card>
  );
}
