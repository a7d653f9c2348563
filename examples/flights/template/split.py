"""Splits by time: the newest days test, all before them train. A random split would let a model see the day it is tested on."""

from pathlib import Path

import pandas as pd
import yaml

from columns import TIME

rows = pd.read_parquet("data/clean.parquet")
days = yaml.safe_load(Path("params.yaml").read_text())["split"]["test_days"]
test_from = rows[TIME].max().normalize() - pd.Timedelta(days=days - 1)

train, test = rows[rows[TIME] < test_from], rows[rows[TIME] >= test_from]
train.to_parquet("data/train.parquet", index=False)
test.to_parquet("data/test.parquet", index=False)
print(f"{len(train):,} flights train, {len(test):,} from {test_from:%Y-%m-%d} on test")
