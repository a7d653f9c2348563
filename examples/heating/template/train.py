"""Trains, logs and registers with the MLflow client. Nothing here knows where it runs."""

from pathlib import Path

import mlflow
import pandas as pd
import yaml
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

texts, numbers = ["site", "part"], ["temp", "change", "swing"]
types = {**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, "float32")}
train, test = (pd.read_csv(f"data/{part}.csv", dtype=types) for part in ("train", "test"))
params = yaml.safe_load(Path("params.yaml").read_text())["train"]

model = make_pipeline(
    ColumnTransformer([
        ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
        ("numbers", StandardScaler(), numbers),
    ]),
    LogisticRegression(C=params["strength"], max_iter=500),
)
mlflow.set_experiment("heating")
with mlflow.start_run():
    mlflow.log_params(params)
    model.fit(train[texts + numbers], train["stage"])
    mlflow.log_metric("accuracy", model.score(test[texts + numbers], test["stage"]))
    tensor = {"str": StringTensorType, "float32": FloatTensorType}
    exported = to_onnx(
        model, initial_types=[(name, tensor[type]([None, 1])) for name, type in types.items()],
        options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3},
    )
    Path("model.onnx").write_bytes(exported.SerializeToString())
    mlflow.onnx.log_model(exported, name="model", registered_model_name="heating-stage")
