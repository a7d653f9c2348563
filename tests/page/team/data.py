"""Forty days of y = 2x and a little: the first thirty to train on, the others to test."""

from datetime import date, timedelta
from pathlib import Path

Path("data").mkdir(exist_ok=True)
for name, days in (("train", range(30)), ("test", range(30, 40))):
    rows = ["t,x,y"]
    for day in days:
        for i in range(20):
            rows.append(f"{date(2024, 1, 1) + timedelta(day)}T{i:02}:00:00Z,{i}.0,{2 * i + 0.1 * ((day + i) % 3 - 1):.1f}")
    Path(f"data/{name}.csv").write_text("\n".join(rows) + "\n")
