"""Collects the readings of two buildings up to a moment: what the thermometer said, hour by hour, and which stage the heating needed six hours later.

In life this reads the buildings' sensors; here it reads the hourly temperatures of two cities in 2010 that the Python package vega_datasets ships.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import yaml

FILES = {"seattle": "seattle-temps.csv", "san-francisco": "sf-temps.csv"}
TABLES = Path(find_spec("vega_datasets").origin).parent / "_data"
AHEAD = 6  # hours


def readings() -> pd.DataFrame:
    sites = []
    for site, file in FILES.items():
        table = pd.read_csv(TABLES / file)
        hours = pd.to_datetime(table["date"], utc=True)
        temp = pd.Series(table["temp"].to_numpy(), index=hours).groupby(level=0).first()  # the hour that daylight saving has twice
        sites.append(pd.DataFrame({
            "site": site,
            "part": [("night", "morning", "afternoon", "evening")[h // 6] for h in temp.index.hour],
            "temp": temp,
            "change": temp - temp.shift(3),
            "swing": temp.rolling(24).max() - temp.rolling(24).min(),
            "stage": pd.cut(temp.shift(-AHEAD), [-100, 44, 56, 200], labels=["high", "low", "off"]).astype("str"),
        }))
    rows = pd.concat(sites).dropna().rename_axis("hour").reset_index().round({"change": 1, "swing": 1})
    return rows[rows["stage"] != "nan"].sort_values(["hour", "site"])


if __name__ == "__main__":
    until = pd.Timestamp(yaml.safe_load(Path("params.yaml").read_text())["collect"]["until"])
    rows = readings()
    rows = rows[rows["hour"] + pd.Timedelta(hours=AHEAD) < until]  # later ones have no truth yet
    Path("data").mkdir(exist_ok=True)
    rows.assign(hour=rows["hour"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_csv("data/readings.csv", index=False)
    print(f"collected {len(rows):,} readings before {until:%Y-%m-%d %H:%M}")
