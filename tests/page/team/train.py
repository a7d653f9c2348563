"""A model that needs no training: x times the weight of params.yaml. What is tested is the page, not the model."""

import re
from pathlib import Path

from onnx import TensorProto, helper, save

weight = float(re.search(r"weight: ([\d.]+)", Path("params.yaml").read_text())[1])
graph = helper.make_graph(
    [helper.make_node("Mul", ["x", "weight"], ["prediction"])],
    "double",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
    [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])],
    [helper.make_tensor("weight", TensorProto.FLOAT, [1], [weight])],
)
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "model.onnx")
