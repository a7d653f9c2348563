// Where the page is: the part behind `#`, so that the server has one page to serve and a link can be sent to a colleague.
import { useSyncExternalStore } from "./store.ts";

export interface Place {
  page: string;
  parts: string[];
}

function read(): string {
  return location.hash.replace(/^#\/?/, "");
}

function listen(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

export function usePlace(): Place {
  const [page = "", ...parts] = useSyncExternalStore(listen, read)
    .split("/")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
  return { page, parts };
}

export function link(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}
