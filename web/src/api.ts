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

// The key makes a second press of a button, or a repeated send, the same decision.
export async function post<T>(path: string, body: unknown): Promise<T> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  // Absent where the page is not served from a safe origin (plain http, another host).
  if (crypto.randomUUID) headers["idempotency-key"] = crypto.randomUUID();
  return answer<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export async function find_me(): Promise<void> {
  try {
    me.value = await get<Me>("/me");
  } catch (problem) {
    if (!(problem instanceof Refused && problem.status === 401)) throw problem;
  }
}
