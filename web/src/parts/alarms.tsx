// Alarms of an endpoint: what is over its limit, since when, and the buttons for whoever is on it.
import { useState } from "preact/hooks";
import { post } from "../api.ts";
import { link } from "../route.ts";
import type { Alarm, Me } from "../types.ts";
import { moment, number } from "../words.ts";
import { Card, Empty, State, Time, Trouble } from "./basic.tsx";

const silences: [string, number][] = [["an hour", 3600], ["a day", 86_400], ["a week", 7 * 86_400]];

export function alarm_name(alarm: Alarm): string {
  return alarm.kind === "column" ? `column ${alarm.column}` : alarm.kind === "performance" ? `performance: ${alarm.column}` : "drift of the endpoint";
}

function One({ alarm, me, changed }: { alarm: Alarm; me: Me; changed: () => void }) {
  const [problem, set_problem] = useState<Error>();
  const [sending, set_sending] = useState(false);
  const silent = Date.parse(alarm.silenced_until) > Date.now();
  const may = !alarm.closed && (me.role === "operator" || me.role === "admin");
  const send = async (what: string, body: unknown) => {
    set_sending(true);
    set_problem(undefined);
    try {
      await post(`/alarms/${encodeURIComponent(alarm.id)}/${what}`, body);
    } catch (refused) {
      set_problem(refused as Error);
    }
    set_sending(false);
    changed();
  };
  const silence = (seconds: number) => send("silence", { until: seconds ? new Date(Date.now() + seconds * 1000).toISOString() : "" });
  return (
    <li class="alarm" aria-label={`Alarm: ${alarm_name(alarm)}`}>
      <State of={alarm.closed ? "closed" : alarm.state} />
      <div>
        <b>{alarm_name(alarm)}</b>{" "}
        <span class="quiet">
          {number(alarm.statistic)} against a limit of {number(alarm.limit)} in the window until {moment(alarm.window_end).slice(0, 10)}
        </span>
        <p class="quiet">
          Opened <Time at={alarm.opened} />
          {alarm.closed && <>, closed <Time at={alarm.closed} />{alarm.reason && `: ${alarm.reason}`}</>}
          {alarm.acknowledged_by && <> · acknowledged by <b>{alarm.acknowledged_by}</b></>}
          {silent && <> · silent until {moment(alarm.silenced_until)}</>}
          {alarm.event && <> · <a href={link("ledger", "story", alarm.event)}>its story</a></>}
        </p>
        <Trouble problem={problem} />
      </div>
      {may && (
        <div class="buttons">
          {!alarm.acknowledged_by && <button type="button" disabled={sending} onClick={() => send("acknowledge", {})}>Acknowledge</button>}
          {silent ? (
            <button type="button" disabled={sending} onClick={() => silence(0)}>Hear again</button>
          ) : (
            <select aria-label="Silence" disabled={sending} value="" onChange={(event) => void silence(Number(event.currentTarget.value))}>
              <option value="">Silence…</option>
              {silences.map(([name, seconds]) => (
                <option key={seconds} value={seconds}>for {name}</option>
              ))}
            </select>
          )}
        </div>
      )}
    </li>
  );
}

function List({ alarms, me, changed }: { alarms: Alarm[]; me: Me; changed: () => void }) {
  return alarms.length ? (
    <ul class="alarms">
      {alarms.map((alarm) => <One key={alarm.id} alarm={alarm} me={me} changed={changed} />)}
    </ul>
  ) : null;
}

const columns_max = 3; // more of them stand behind one line

export function AlarmsCard({ alarms, me, changed }: { alarms: Alarm[]; me: Me; changed: () => void }) {
  const open = alarms.filter((alarm) => !alarm.closed);
  const columns = open.filter(({ kind }) => kind === "column");
  const given = { me, changed };
  const closed = alarms.filter((alarm) => alarm.closed);
  return (
    <Card title="Alarms" aside={open.length ? <State of="firing" word={`${open.length} open`} /> : <State of="ok" word="none open" />}>
      <List alarms={open.filter(({ kind }) => kind !== "column")} {...given} />
      {columns.length > columns_max ? (
        <details class="past">
          <summary>{columns.length} columns: {columns.map(({ column }) => column).join(", ")}</summary>
          <List alarms={columns} {...given} />
        </details>
      ) : (
        <List alarms={columns} {...given} />
      )}
      {open.length === 0 && closed.length === 0 && <Empty>No alarm so far.</Empty>}
      {closed.length > 0 && (
        <details class="past">
          <summary>{closed.length} closed</summary>
          <List alarms={closed} {...given} />
        </details>
      )}
    </Card>
  );
}
