#!/usr/bin/env python3
"""Makes the small ONNX models of the evaluation's tests, beside this file. Run it again only to change them."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

HERE = Path(__file__).resolve().parent


def save(name, nodes, inputs, outputs, constants=()):
    graph = h.make_graph(nodes, name, inputs, outputs, [nh.from_array(value, key) for key, value in constants])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    (HERE / name).mkdir(exist_ok=True)
    (HERE / name / "model.onnx").write_bytes(model.SerializeToString())


def value(name, kind, shape):
    return h.make_tensor_value_info(name, kind, shape)


def main():
    column = [None, 1]
    one = ("one", np.array([[1]], np.float32))
    # Regression: y = x, y = x + 1, y = 2x.
    for name, scale, shift in (("same", 1, 0), ("shifted", 1, 1), ("doubled", 2, 0)):
        save(name, [h.make_node("Mul", ["x", "k"], ["xk"]), h.make_node("Add", ["xk", "c"], ["y"])], [value("x", T.FLOAT, column)], [value("y", T.FLOAT, column)],
             [("k", np.array([[scale]], np.float32)), ("c", np.array([[shift]], np.float32))])
    # Classification: sigmoid(x), as the positive class alone, and as two columns beside a label, as scikit-learn's converter writes it.
    save("positive", [h.make_node("Sigmoid", ["x"], ["p"])], [value("x", T.FLOAT, column)], [value("p", T.FLOAT, column)])
    save("both", [h.make_node("Sigmoid", ["x"], ["p"]), h.make_node("Sub", ["one", "p"], ["q"]), h.make_node("Concat", ["q", "p"], ["probabilities"], axis=1),
                  h.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0)],
         [value("x", T.FLOAT, column)], [value("label", T.INT64, [None]), value("probabilities", T.FLOAT, [None, 2])], [one])
    # Two float outputs: which one is meant?
    save("several", [h.make_node("Sigmoid", ["x"], ["p"]), h.make_node("Identity", ["x"], ["raw"])], [value("x", T.FLOAT, column)],
         [value("p", T.FLOAT, column), value("raw", T.FLOAT, column)])
    # Names a class of text: the label is what came in.
    save("named", [h.make_node("Identity", ["kind"], ["label"])], [value("kind", T.STRING, [None])], [value("label", T.STRING, [None])])
    save("whole", [h.make_node("Cast", ["n"], ["y"], to=T.FLOAT)], [value("n", T.INT64, column)], [value("y", T.FLOAT, column)])


if __name__ == "__main__":
    main()
