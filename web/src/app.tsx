// The frame: who is here, where they are, and whether the page still hears the server.
import { useEffect } from "preact/hooks";
import { find_me, me as me_store, sign_out } from "./api.ts";
import { connection, listen_for_changes, what_of } from "./live.ts";
import { useLoad } from "./load.ts";
import { link, usePlace } from "./route.ts";
import { Store, useStore } from "./store.ts";
import type { Alarm, List, Me, Overview } from "./types.ts";
import { Trouble } from "./parts/basic.tsx";
import { ApprovalsPage } from "./pages/approvals.tsx";
import { EndpointPage } from "./pages/endpoint.tsx";
import { EndpointsPage } from "./pages/endpoints.tsx";
import { FlowPage, FlowsPage } from "./pages/flows.tsx";
import { LedgerPage } from "./pages/ledger.tsx";
import { ModelPageView } from "./pages/model.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SignIn } from "./pages/sign_in.tsx";

const reload_ms = 5000; // traffic makes no event

function Inside({ me }: { me: Me }) {
  const { page, parts, query } = usePlace();
  const heard = useStore(connection);
  const overview = useLoad<Overview>("/overview", {}, reload_ms);
  const open = overview.value?.approvals.length ?? 0;
  const alarms = useLoad<List<Alarm>>("/alarms", { state: "open" }, 0, (notice) => what_of(notice).startsWith("alarm."));
  const alarmed = new Set(alarms.value?.items.map(({ endpoint }) => endpoint)).size;
  useEffect(listen_for_changes, []);
  useEffect(() => {
    if (page === "") document.title = "pawl";
    if (page === "approvals") document.title = "Approvals · pawl";
  }, [page]);
  const tab = (to: string, name: string, is: boolean, number = 0, of = "open") => (
    <a href={to} aria-current={is ? "page" : undefined}>
      {name}
      {number > 0 && <span class="badge" aria-label={`${number} ${of}`}>{number}</span>}
    </a>
  );
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>
        To the content
      </a>
      <header class="top">
        <a class="brand" href="#/"><img src="/pawl.svg" alt="" width="22" height="22" /> pawl</a>
        <nav aria-label="Pages">
          {tab(link(), "Models", page === "" || page === "models")}
          {tab(link("endpoints"), "Endpoints", page === "endpoints", alarmed, "with an open alarm")}
          {tab(link("flows"), "Flows", page === "flows")}
          {tab(link("approvals"), "Approvals", page === "approvals", open)}
          {tab(link("ledger"), "Ledger", page === "ledger")}
        </nav>
        <span class={`heard ${heard}`} role="status">{heard === "live" ? "live" : heard === "lost" ? "connection lost, trying again" : ""}</span>
        <span class="who">
          <b>{me.name}</b> <span class="quiet">{me.role}</span>
          {me.sign_in && <button class="plain" onClick={() => void sign_out().catch(() => {})}>Sign out</button>}
        </span>
      </header>
      {page === "models" && parts[0] ? (
        <ModelPageView key={parts[0]} name={parts[0]} version={parts[1] ?? ""} me={me} />
      ) : page === "endpoints" && parts[0] ? (
        <EndpointPage key={parts[0]} name={parts[0]} me={me} />
      ) : page === "endpoints" ? (
        <EndpointsPage />
      ) : page === "flows" && parts[0] ? (
        <FlowPage key={parts[0]} id={parts[0]} me={me} />
      ) : page === "flows" ? (
        <FlowsPage query={query} overview={overview.value} />
      ) : page === "approvals" ? (
        <ApprovalsPage overview={overview} />
      ) : page === "ledger" ? (
        <LedgerPage query={query} story={parts[0] === "story" ? (parts[1] ?? "") : ""} overview={overview.value} />
      ) : (
        <OverviewPage overview={overview} />
      )}
    </>
  );
}

const trouble = new Store<Error | undefined>(undefined);
export function ask_who() {
  find_me().catch((problem: Error) => (trouble.value = problem));
}

export function App() {
  const me = useStore(me_store);
  const problem = useStore(trouble);
  if (me === undefined) return problem ? <main class="sign-in"><Trouble problem={problem} /></main> : null;
  return me ? <Inside me={me} /> : <SignIn />;
}
