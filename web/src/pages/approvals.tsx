// Everything that waits for somebody's word: versions with a link to their evidence, plans with what they would change.
import { useLoad, type Loaded } from "../load.ts";
import { link } from "../route.ts";
import type { Approval, FileChange, Overview, Plan } from "../types.ts";
import { short, who } from "../words.ts";
import { ApprovalCard } from "../parts/approval.tsx";
import { Empty, Show, Trouble } from "../parts/basic.tsx";

function Diff({ change }: { change: FileChange }) {
  const looks: Record<string, string> = { "+": "plus", "-": "minus" };
  return (
    <details open>
      <summary>
        <code>{change.path}</code> <span class="quiet">{change.change}</span>
      </summary>
      <pre class="diff" tabIndex={0}>
        {change.diff.trimEnd().split("\n").map((line, i) => (
          <span key={i} class={looks[line.charAt(0)]}>{`${line}\n`}</span>
        ))}
      </pre>
    </details>
  );
}

function PlanText({ id }: { id: string }) {
  const loaded = useLoad<Plan>(`/plans/${encodeURIComponent(id)}`);
  const plan = loaded.value;
  return (
    <>
      <Trouble problem={loaded.problem} />
      {plan && (
        <>
          <p class="quiet">
            Commit <code title={plan.commit}>{short(plan.commit)}</code> of {plan.repo}
            {plan.by && `, proposed by ${who(plan.by)}`}.
          </p>
          {plan.reason && <p class="note">{plan.reason}</p>}
          {plan.changes.map((change) => (
            <Diff key={change.path} change={change} />
          ))}
        </>
      )}
    </>
  );
}

function One({ approval, changed }: { approval: Approval; changed: () => void }) {
  const [model, version] = approval.subject.split("@");
  const plan = approval.subject_kind === "plan";
  return (
    <ApprovalCard approval={approval} changed={changed} title={plan ? `Plan for ${approval.model}` : approval.subject}>
      {plan && <PlanText id={approval.subject} />}
      {!plan && model && version && (
        <p>
          <a href={link("models", model, version)}>The evidence for {approval.subject}</a>
        </p>
      )}
    </ApprovalCard>
  );
}

export function ApprovalsPage({ overview }: { overview: Loaded<Overview> }) {
  return (
    <main id="main" tabIndex={-1}>
      <h1>Approvals</h1>
      <Show of={overview}>
        {({ approvals }) =>
          approvals.length ? (
            <>
              {approvals.map((approval) => (
                <One key={approval.id} approval={approval} changed={overview.again} />
              ))}
            </>
          ) : (
            <div class="card"><Empty>Nothing waits for approval.</Empty></div>
          )
        }
      </Show>
    </main>
  );
}
