// Everything that waits for somebody's word: versions with a link to their evidence, plans with what they would change.
import { useLoad, type Loaded } from "../load.ts";
import { link } from "../route.ts";
import type { Approval, FileChange, Overview, Plan } from "../types.ts";
import { short } from "../words.ts";
import { ApprovalCard } from "../parts/approval.tsx";
import { Card, Empty, Show, State, Trouble } from "../parts/basic.tsx";

function Diff({ change }: { change: FileChange }) {
  const looks: Record<string, string> = { "+": "plus", "-": "minus" };
  return (
    <details open>
      <summary>
        <code>{change.path}</code> <span class="quiet">{change.change}</span>
      </summary>
      <pre class="diff" tabIndex={0}>
        {change.diff.split("\n").map((line, i) => (
          <span key={i} class={looks[line.charAt(0)]}>{`${line}\n`}</span>
        ))}
      </pre>
    </details>
  );
}

function PlanCard({ id }: { id: string }) {
  const plan = useLoad<Plan>(`/plans/${encodeURIComponent(id)}`);
  return (
    <>
      <Trouble problem={plan.problem} />
      {plan.value && (
        <Card title={`Plan for ${plan.value.model}`} aside={<State of={plan.value.state} />}>
          <div class="body">
            <p class="quiet">
              Commit <code title={plan.value.commit}>{short(plan.value.commit)}</code> of {plan.value.repo}
              {plan.value.by && `, proposed by ${plan.value.by}`}.
            </p>
            {plan.value.reason && <p class="note">{plan.value.reason}</p>}
            {plan.value.changes.map((change) => (
              <Diff key={change.path} change={change} />
            ))}
          </div>
        </Card>
      )}
    </>
  );
}

function One({ approval, changed }: { approval: Approval; changed: () => void }) {
  const [model, version] = approval.subject.split("@");
  return (
    <div class="pair">
      <ApprovalCard approval={approval} changed={changed} title={approval.subject_kind === "plan" ? `Plan for ${approval.model}` : approval.subject} />
      {approval.subject_kind === "plan" && <PlanCard id={approval.subject} />}
      {approval.subject_kind === "version" && model && version && (
        <p>
          <a href={link("models", model, version)}>The evidence of {approval.subject}</a>
        </p>
      )}
    </div>
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
