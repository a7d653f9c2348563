"""The months after the training as production sees them: each flight is asked about when it leaves the gate, its true delay is known a day later."""

from collections import Counter

import numpy as np
import pandas as pd

from .traffic import Connection, request

DAY = pd.Timedelta(days=1)


class Year:
    def __init__(self, rows: pd.DataFrame, features: list[str], time: str, label: str, connection: Connection):
        self.days = {day: part for day, part in rows.groupby(rows[time].dt.normalize())}
        self.features, self.time, self.label = features, time, label
        self.connection = connection
        self.answers, self.failures = Counter(), []
        self.errors = {}  # of each day: what this side makes of answers and delays
        self.ids = {}  # of the days whose delays nobody knows yet: the predictions, in the order of the rows
        self.today = min(self.days)

    def day(self, rows_a_request: int = 250) -> None:
        """One day's flights in their order, then what became of those of the day before."""
        flights, ids, errors = self.days.get(self.today), [], []
        for at in range(0, 0 if flights is None else len(flights), rows_a_request):
            part = flights.iloc[at : at + rows_a_request]
            status, answer = self.connection.infer(request(part, self.features, self.time, key=f"{self.today:%m-%d} {at}"))
            if status != 200:
                self.failures.append(f"{self.today:%Y-%m-%d}: {status} {answer['error'][:200]}")
                ids += [None] * len(part)
                continue
            self.answers[str(answer["parameters"]["model_version"])] += len(part)
            ids += answer["parameters"]["prediction_ids"]
            errors.append(np.abs(np.array(answer["outputs"][0]["data"], dtype=float).ravel() - part[self.label].to_numpy()))
        if errors:
            self.errors[self.today] = np.concatenate(errors)
        self.ids[self.today] = ids
        self.tell_delays(self.today - DAY)
        self.today += DAY

    def tell_delays(self, day: pd.Timestamp) -> None:
        ids = self.ids.pop(day, [])
        labels = [(id, truth) for id, truth in zip(ids, self.days[day][self.label].tolist() if ids else [], strict=True) if id]
        if not labels:
            return
        status, answer = self.connection.tell(labels)
        if status != 200:
            self.failures.append(f"labels of {day:%Y-%m-%d}: {status} {answer['error'][:200]}")
