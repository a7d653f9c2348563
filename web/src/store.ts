// A value outside the components, and the hook that reads it.
import { useEffect, useState } from "preact/hooks";

export function useSyncExternalStore<T>(listen: (changed: () => void) => () => void, read: () => T): T {
  const [value, set] = useState(read);
  useEffect(() => {
    const changed = () => set(() => read());
    changed(); // it may have changed between the first drawing and now
    return listen(changed);
  }, []);
  return value;
}

export class Store<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();
  constructor(value: T) {
    this.#value = value;
  }
  get value(): T {
    return this.#value;
  }
  set value(next: T) {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    for (const listener of [...this.#listeners]) listener();
  }
  listen = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  };
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.listen, () => store.value);
}
