#!/usr/bin/env python3
"""Makes the small ONNX models of serving's tests, beside this file. Run it again only to change them: the bytes differ from run to run."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

HERE = Path(__file__).resolve().parent


def save(name, nodes, inputs, outputs, constants=(), check=True, opsets=(("", 18), ("ai.onnx.ml", 3))):
    graph = h.make_graph(nodes, name, inputs, outputs, [nh.from_array(value, key) for key, value in constants])
    model = h.make_model(graph, opset_imports=[h.make_opsetid(*o) for o in opsets], ir_version=8)
    if check:
        onnx.checker.check_model(model)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())
    return model


def outside(model, location, name):
    """The same model, its first weights in another file."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    weights = copy.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = T.EXTERNAL
    weights.external_data.add(key="location", value=location)
    (HERE / f"{name}.onnx").write_bytes(copy.SerializeToString())


def value(name, kind, shape):
    return h.make_tensor_value_info(name, kind, shape)


def ensemble(trees, depth, width, seed):
    """Attributes of a TreeEnsembleRegressor: random trees, some branches of which end early, some thresholds of which are met exactly by small numbers."""
    rng, a = np.random.default_rng(seed), {k: [] for k in ("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes", "nodes_truenodeids",
                                                            "nodes_falsenodeids", "target_treeids", "target_nodeids", "target_weights")}
    for tree in range(trees):
        def grow(level):
            node, place = a["nodes_nodeids"][-1] + 1 if a["nodes_treeids"] and a["nodes_treeids"][-1] == tree else 0, len(a["nodes_nodeids"])
            leaf = level == depth or (level > 1 and rng.random() < 0.15)
            for key, v in (("treeids", tree), ("nodeids", node), ("featureids", 0 if leaf else int(rng.integers(width))), ("values", 0.0 if leaf else float(np.float32(rng.normal()))),
                           ("modes", "LEAF" if leaf else "BRANCH_LEQ"), ("truenodeids", 0), ("falsenodeids", 0)):
                a["nodes_" + key].append(v)
            if leaf:
                for key, v in (("treeids", tree), ("nodeids", node), ("weights", float(np.float32(rng.normal())))):
                    a["target_" + key].append(v)
            else:
                a["nodes_truenodeids"][place] = grow(level + 1)
                a["nodes_falsenodeids"][place] = grow(level + 1)
            return node
        grow(0)
    return {**a, "target_ids": [0] * len(a["target_weights"]), "n_targets": 1, "base_values": [0.1], "post_transform": "NONE", "aggregate_function": "SUM"}


def trees():
    # Ensembles that pawl runs itself, and the same with a node behind, which ONNX Runtime runs.
    for name, attributes in (("trees", ensemble(12, 5, 7, 1)), ("trees_deep", ensemble(3, 9, 7, 2))):
        ports = [value("x", T.FLOAT, [None, 7])], [value("y", T.FLOAT, [None, 1])]
        save(name, [h.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", **attributes)], *ports)
        save(name + "_onnx", [h.make_node("TreeEnsembleRegressor", ["x"], ["z"], domain="ai.onnx.ml", **attributes), h.make_node("Identity", ["z"], ["y"])], *ports)


def main():
    trees()
    column = [None, 1]
    # y = 2a + 3b + 1, one tensor a column.
    linear = save("linear", [h.make_node("Concat", ["a", "b"], ["x"], axis=1), h.make_node("MatMul", ["x", "w"], ["xw"]), h.make_node("Add", ["xw", "c"], ["y"])],
                  [value("a", T.FLOAT, column), value("b", T.FLOAT, column)], [value("y", T.FLOAT, column)],
                  [("w", np.array([[2], [3]], np.float32)), ("c", np.array([1], np.float32))])
    # The same with other weights: y = 20a + 30b + 10.
    save("linear10", [h.make_node("Concat", ["a", "b"], ["x"], axis=1), h.make_node("MatMul", ["x", "w"], ["xw"]), h.make_node("Add", ["xw", "c"], ["y"])],
         [value("a", T.FLOAT, column), value("b", T.FLOAT, column)], [value("y", T.FLOAT, column)],
         [("w", np.array([[20], [30]], np.float32)), ("c", np.array([10], np.float32))])
    # One input that the others do not have: a request for `linear` cannot be answered by it.
    save("renamed", [h.make_node("Identity", ["z"], ["y"])], [value("z", T.FLOAT, column)], [value("y", T.FLOAT, column)])
    # y = x · (1, 10, 100), one matrix.
    save("matrix", [h.make_node("MatMul", ["x", "w"], ["y"])], [value("x", T.FLOAT, [None, 3])], [value("y", T.FLOAT, column)],
         [("w", np.array([[1], [10], [100]], np.float32))])
    # Every datatype in and out.
    kinds = {"bool": T.BOOL, "i32": T.INT32, "i64": T.INT64, "f32": T.FLOAT, "f64": T.DOUBLE, "text": T.STRING}
    save("types", [h.make_node("Identity", [k], [k + "_out"]) for k in kinds], [value(k, t, [None]) for k, t in kinds.items()],
         [value(k + "_out", t, [None]) for k, t in kinds.items()])
    # Fails while it runs, unless the index is 0, 1 or 2.
    save("fragile", [h.make_node("Gather", ["table", "i"], ["y"], axis=0)], [value("i", T.INT64, column)], [value("y", T.FLOAT, column)],
         [("table", np.array([5, 6, 7], np.float32))])
    # An encoder that fails on a category it does not know: scikit-learn's default.
    save("picky", [h.make_node("OneHotEncoder", ["origin"], ["x"], domain="ai.onnx.ml", cats_strings=["JFK", "LGA"], zeros=0), h.make_node("Flatten", ["x"], ["y"])],
         [value("origin", T.STRING, column)], [value("y", T.FLOAT, [None, 2])])
    # `linear` with its weights in a file beside it, and one whose file is missing.
    for name in ("beside", "alone"):
        outside(linear, name + ".weights", name)
    (HERE / "beside.weights").write_bytes(np.array([[2], [3]], "<f4").tobytes())
    # Refused: ZipMap, one answer for all rows, an element type V2 lacks here, an operator nobody knows, weights in any other file.
    save("zipmap", [h.make_node("ZipMap", ["p"], ["probabilities"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])], [value("p", T.FLOAT, [None, 2])],
         [h.make_value_info("probabilities", h.make_sequence_type_proto(h.make_map_type_proto(T.INT64, h.make_tensor_type_proto(T.FLOAT, []))))])
    save("one_answer", [h.make_node("ReduceSum", ["a"], ["y"], keepdims=1)], [value("a", T.FLOAT, column)], [value("y", T.FLOAT, [1, 1])])
    save("half", [h.make_node("Identity", ["a"], ["y"])], [value("a", T.FLOAT16, column)], [value("y", T.FLOAT16, column)])
    save("custom", [h.make_node("RunShell", ["a"], ["y"], domain="evil")], [value("a", T.FLOAT, column)], [value("y", T.FLOAT, column)], check=False,
         opsets=(("", 18), ("evil", 1)))
    outside(linear, "../../../etc/passwd", "outside")


if __name__ == "__main__":
    main()
