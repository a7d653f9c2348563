// Small pieces that every page uses.
import type { ComponentChildren } from "preact";
import type { Loaded } from "../load.ts";
import { ago, moment, state_word, tone } from "../words.ts";

export function State({ of, word }: { of: string; word?: string }) {
  return <span class={`state ${tone(of)}`}>{word ?? state_word(of)}</span>;
}

export function Time({ at }: { at: string }) {
  return at ? (
    <time dateTime={at} title={`${moment(at)} UTC`}>
      {ago(at)}
    </time>
  ) : null;
}

export function Card({ title, aside, children }: { title: string; aside?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Trouble({ problem }: { problem: Error | undefined }) {
  return problem ? (
    <p class="trouble" role="alert">
      {problem.message}
    </p>
  ) : null;
}

// What was loaded; until then a quiet line, and what went wrong instead of a blank.
export function Show<T>({ of, children }: { of: Loaded<T>; children: (value: T) => ComponentChildren }) {
  return (
    <>
      <Trouble problem={of.problem} />
      {of.value !== undefined ? children(of.value) : of.problem ? null : <p class="empty">…</p>}
    </>
  );
}
