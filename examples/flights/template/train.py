"""Trains, logs what happened and registers the model. Plain Python with the MLflow client: nothing here knows where it runs."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import yaml
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from columns import FEATURES, FLOATS, INTEGERS, LABEL, STRINGS

params = yaml.safe_load(Path("params.yaml").read_text())["train"]
train = pd.read_parquet("data/train.parquet")
train = train.sample(n=min(params["rows"], len(train)), random_state=1)
test = pd.read_parquet("data/test.parquet")
labels = train[LABEL].to_numpy()

columns = ColumnTransformer([
    ("floats", SimpleImputer(strategy="median"), FLOATS),
    ("integers", "passthrough", INTEGERS),
    ("strings", OneHotEncoder(handle_unknown="ignore", sparse_output=False), STRINGS),
])
trees = GradientBoostingRegressor(
    n_estimators=params["trees"], max_depth=params["depth"], learning_rate=params["learning_rate"], random_state=1,
)
model = make_pipeline(columns, trees)

mlflow.set_experiment("arrival-delay")
with mlflow.start_run() as run:
    mlflow.log_params(params)
    mlflow.log_input(mlflow.data.from_pandas(train, source="data/train.parquet", targets=LABEL, name="train"), context="training")
    mlflow.log_input(mlflow.data.from_pandas(test, source="data/test.parquet", targets=LABEL, name="test"), context="testing")

    model.fit(train[FEATURES], labels)

    truth = test[LABEL].to_numpy()
    for step, guess in enumerate(trees.staged_predict(columns.transform(test[FEATURES])), 1):
        if step % 10 == 0 or step == params["trees"]:
            error = guess - truth
            mlflow.log_metrics({"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}, step=step)
    mae = mean_absolute_error(truth, model.predict(test[FEATURES]))

    # One tensor a column, named as the column, so that whoever asks need not know an order.
    tensors = {**dict.fromkeys(FLOATS, FloatTensorType), **dict.fromkeys(INTEGERS, Int64TensorType), **dict.fromkeys(STRINGS, StringTensorType)}
    exported = to_onnx(
        model, initial_types=[(name, tensors[name]([None, 1])) for name in FEATURES], target_opset={"": 18, "ai.onnx.ml": 3},
    )
    Path("model.onnx").write_bytes(exported.SerializeToString())
    Path("metrics.json").write_text(json.dumps({"mae": mae}) + "\n")
    mlflow.onnx.log_model(
        exported, name="model", registered_model_name="arrival-delay",
        pip_requirements=["onnxruntime"],  # said, or MLflow loads the model once more to find out
        signature=mlflow.models.infer_signature(test[FEATURES].head(100), model.predict(test[FEATURES].head(100))),
    )
print(f"run {run.info.run_id}: {len(train):,} flights, {params['trees']} trees, mean error {mae:.2f} minutes")
