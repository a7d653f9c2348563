// Name and password, or a token. The server answers with a cookie that only it can read.
import { useEffect, useRef, useState } from "preact/hooks";
import { Refused, sign_in } from "../api.ts";
import { Trouble } from "../parts/basic.tsx";

export function SignIn() {
  const [with_token, set_with_token] = useState(false);
  const [problem, set_problem] = useState<Error>();
  const [sending, set_sending] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    document.title = "Sign in · pawl";
    form.current?.querySelector("input")?.focus();
  }, [with_token]);

  const send = async (event: Event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form.current!).entries());
    set_sending(true);
    set_problem(undefined);
    try {
      await sign_in(given);
    } catch (refused) {
      const wrong = refused instanceof Refused && refused.status === 401;
      set_problem(wrong ? new Error(with_token ? "No user has this token." : "Name and password do not belong together.") : (refused as Error));
      set_sending(false);
    }
  };

  return (
    <main class="sign-in">
      <form class="card" ref={form} onSubmit={send} aria-label="Sign in">
        <h1>
          <img src="/pawl.svg" alt="" width="28" height="28" /> pawl
        </h1>
        {with_token ? (
          <label key="token">
            Token
            <input name="token" type="password" autoComplete="off" required spellcheck={false} />
          </label>
        ) : (
          <>
            <label key="name">
              Name
              <input name="name" autoComplete="username" required autoCapitalize="none" spellcheck={false} />
            </label>
            <label key="password">
              Password
              <input name="password" type="password" autoComplete="current-password" required />
            </label>
          </>
        )}
        <Trouble problem={problem} />
        <button class="first" disabled={sending}>{sending ? "Signing in…" : "Sign in"}</button>
        <button type="button" class="plain" onClick={() => set_with_token(!with_token)}>
          {with_token ? "Use name and password" : "Use a token"}
        </button>
      </form>
    </main>
  );
}
