"""From the delivery to rows a model can learn from: rows without an answer and impossible ones go, columns get the types they are served in.

Missing weather and unknown planes stay missing: they are missing in production too, and the model itself fills them.
"""

import pandas as pd

from columns import FEATURES, FLOATS, INTEGERS, LABEL, STRINGS, TIME

rows = pd.read_parquet("data/raw/flights.parquet")
collected = len(rows)

rows = rows.dropna(subset=["dep_delay", LABEL])        # cancelled or diverted: there is no arrival to be late
rows = rows[rows["dep_delay"].between(-60, 1500)]
rows = rows[~(rows["wind_speed"] > 100)]               # a sensor told of 1,048 mph one February night
rows = rows.drop_duplicates([TIME, "carrier", "flight", "origin"])

rows["hour"] = rows["sched_dep_time"] // 100
rows["weekday"] = rows[TIME].dt.tz_convert("America/New_York").dt.day_of_week
rows["plane_age"] = rows[TIME].dt.year - rows["plane_year"]

types = {**dict.fromkeys([*FLOATS, LABEL], "float32"), **dict.fromkeys(INTEGERS, "int64"), **dict.fromkeys(STRINGS, "str")}
rows = rows.astype(types)[[TIME, *FEATURES, LABEL]]
rows.to_parquet("data/clean.parquet", index=False)
print(f"kept {len(rows):,} of {collected:,} flights")
