// Calls of the server's public API, and nothing else: what the page can do, every client can.
import { Store } from "./store.ts";
import type { Me, Problem } from "./types.ts";

export const base = "/api/pawl/v1";

// What the server refused, in its own words.
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail || problem.title);
  }
}

// undefined: not asked yet; null: nobody is signed in.
export const me = new Store<Me | null | undefined>(undefined);

async function answer<T>(path: string, sent: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(base + path, sent);
  } catch (problem) {
    if (problem instanceof DOMException) throw problem; // given up by us
    throw new Error("The server does not answer.");
  }
  const text = await response.text();
  if (response.ok) return (text ? JSON.parse(text) : {}) as T;
  let problem: Problem = { title: response.statusText || `Status ${response.status}`, status: response.status };
  try {
    problem = { ...problem, ...(JSON.parse(text) as Problem) };
  } catch {
    // not from pawl (a proxy, say): its status line has to do
  }
  if (response.status === 401) me.value = null;
  throw new Refused(response.status, problem);
}

export async function get<T>(path: string, query: Record<string, string | number | undefined> = {}, signal?: AbortSignal): Promise<T> {
  const sent = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") sent.set(name, String(value));
  const tail = sent.size ? `?${sent}` : "";
  return answer<T>(path + tail, { headers: { accept: "application/json" }, ...(signal && { signal }) });
}

// A decision carries a key: sent a second time, it is the same decision.
export async function post<T>(path: string, body: unknown, key = random_key()): Promise<T> {
  const headers: Record<string, string> = { "content-type": "application/json", ...(key && { "idempotency-key": key }) };
  return answer<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}
function random_key(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function sign_in(given: Record<string, FormDataEntryValue>): Promise<void> {
  await post("/login", given, "");
  await find_me();
}
export async function sign_out(): Promise<void> {
  await post("/logout", {}, "");
  me.value = null;
}

export async function find_me(): Promise<void> {
  const found = await get<Me>("/me");
  me.value = found.kind === "nobody" ? null : found;
}
