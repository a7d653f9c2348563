// Where the page is: the part behind `#`, so that the server has one page to serve and a link can be sent to a colleague.
import { useSyncExternalStore } from "./store.ts";

export interface Place {
  page: string;
  parts: string[];
  query: Record<string, string>; // what a list is filtered by
}

function read(): string {
  return location.hash.replace(/^#\/?/, "");
}

function listen(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

const plain = (part: string) => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

function place_of(hash: string): Place {
  const [path = "", query = ""] = hash.split("?", 2);
  const [page = "", ...parts] = path.split("/").map(plain);
  return { page, parts, query: Object.fromEntries(new URLSearchParams(query)) };
}
export function usePlace(): Place {
  return place_of(useSyncExternalStore(listen, read));
}

export function link(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}
export function link_with(query: Record<string, string | undefined>, ...parts: string[]): string {
  const sent = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) sent.set(name, value);
  return link(...parts) + (sent.size ? `?${sent}` : "");
}
// Changes what the list of this page is filtered by, from where the address stands now; a filter is no place to go back to.
export function filter_by(next: Record<string, string>): void {
  const { page, parts, query } = place_of(read());
  location.replace(link_with({ ...query, ...next }, page, ...parts));
}
