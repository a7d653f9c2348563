// Numbers, times and states as people read them.
import type { Real } from "./types.ts";

export function number(value: Real | undefined, digits = 4): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string" || !Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  if (Math.abs(value) < 1e-4) return value.toExponential(Math.max(0, Math.min(digits, 3) - 1));
  return value.toLocaleString("en", { maximumSignificantDigits: digits });
}

export function finite(value: Real | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function percent(value: number): string {
  return `${value.toLocaleString("en", { maximumFractionDigits: 1 })} %`;
}

// 1,234 · 12.3K · 4.5M
export function count(value: number): string {
  return value < 10_000 ? value.toLocaleString("en") : value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 });
}

// 40 s · 9 min 30 s · 2 h 5 min · 3 d
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const pair = (big: number, big_unit: string, small: number, small_unit: string) => (small ? `${big} ${big_unit} ${small} ${small_unit}` : `${big} ${big_unit}`);
  if (s < 60) return `${s} s`;
  if (s < 3600) return pair(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 86400) return pair(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return pair(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

export function ago(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  if (Number.isNaN(seconds)) return at;
  if (seconds < -30 * 86400) return at.slice(0, 10);
  for (const [unit, size] of units) if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  return "just now";
}

// 2013-03-01 12:00:05, UTC as everywhere in pawl.
export function moment(at: string): string {
  return at.slice(0, 19).replace("T", " ");
}

// What the server tells in words: a midnight is a day.
export function plainly(text: string): string {
  return text.replace(/(\d{4}-\d\d-\d\d)T00:00:00Z/g, "$1");
}

// 4 Mar 2024 – 10 Mar 2024: the days from `start` to before `end`.
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const day_short = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const month = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });
export function month_of(seconds: number): string {
  return month.format(seconds * 1000);
}
export function day_of(seconds: number): string {
  return day_short.format(seconds * 1000);
}
export function days(start: string, end: string): string {
  const first = Date.parse(start);
  const last = Date.parse(end) - 1;
  if (Number.isNaN(first) || Number.isNaN(last)) return `${start} – ${end}`;
  const same_year = start.slice(0, 4) === new Date(last).toISOString().slice(0, 4);
  return `${(same_year ? day_short : day).format(first)} – ${day.format(last)}`;
}

export function short(id: string): string {
  return id.slice(0, 8);
}

// A person by name; what is no person, in words.
export function who(by: string): string {
  const [kind, name = ""] = by.split(":");
  if (kind === "flow") return "its flow";
  return kind === "repo" ? `a push to ${name}` : by;
}

// "arrival-delay@3", as subjects and the command line write a model version.
export function version_name(model: string, version: number): string {
  return `${model}@${version}`;
}

// Five looks for every state in the house.
export type Tone = "good" | "bad" | "busy" | "wait" | "quiet";
const tones: Record<string, Tone> = {
  pass: "good", granted: "good", done: "good", live: "good", in_force: "good",
  fail: "bad", error: "bad", refused: "bad", rejected: "bad", failed: "bad", rolled_back: "bad",
  queued: "busy", training: "busy", judging: "busy", rolling_out: "busy", preparing: "busy", stepping: "busy", canary: "busy",
  firing: "bad", dead: "bad", pending: "wait", recovering: "wait", ok: "good", running: "busy",
  waiting: "wait", inconclusive: "wait", open: "wait", proposed: "wait", empty: "wait",
};
export function tone(state: string): Tone {
  return tones[state] ?? "quiet";
}
export function state_word(state: string): string {
  return state.replaceAll("_", " ");
}
