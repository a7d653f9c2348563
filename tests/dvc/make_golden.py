"""Writes golden.yaml: texts and numbers of every kind as DVC's own dumper puts them. Run with the Python of the DVC environment."""
import random
import sys

from dvc.utils.serialize import dumps_yaml, parse_yaml

rng = random.Random(7)
words = ["a", "data", "it's", "x: y", "#no", "\u00e9t\u00e9", "\u65e5\u672c", "--lr", "0.1", "'q'", '"d"', "true", "C:\\x", "${x}", "a#b", "- b", "verylongword" * 4, "\U0001f600"]
texts = ["", "true", "Null", "~", "1", "1.0", "1e3", ".5", "0x1f", "0o7", "08", "1_000", "-1", ".inf", "2020-01-01", "yes", "no", "on", "off", "y", "n", "12:30:45", "1:2",
         "NaN", "0o8", "0b12", "a:b", "a, b", "-a", "- a", "-", "?", "=", "<<", "---", "a: ", "a:", " a", "a ", "a\n", "a\nb", "\ta", "a\tb", "\x07", "a\\b\x01", "@x", "`x", "%x",
         "&x", "*x", "!x", "|x", ">x", "[x", "]x", "{x", "}x", "'x", '"x', ",x", "it's: x", "a 'b' \"c\": d", "python train.py --lr 0.1\npython eval.py", "x" * 200, "a " * 60 + "b",
         "'" + "a " * 60 + "b", "k: " + "word " * 40, "d\t" + "word " * 40]
texts += [" ".join(rng.choice(words) for _ in range(rng.randint(1, 30))) for _ in range(250)]
# Some texts with escapes near column 80 come out of that dumper as another text: there pawl's bytes differ and its text is right.
def survives(t):
    return all(parse_yaml(dumps_yaml(d), "") == d for d in ([t], {"map": {"key1": t}}, {"map": {"key10": t}}))


texts = [t for t in texts if survives(t)]
doc = {
    "texts": texts,
    "numbers": [0, 1, -5, 31, 1000, 10**15, 0.1, 1e-05, 1e20, 1000.0, 1e16, 123456789.125, -0.0, float("inf"), float("-inf"), 5e-324],
    "flags": [True, False, None],
    "empty": {"list": [], "map": {}},
    "nested": [[1, [2, 3]], {"a": [{"b": None}], "c": {"d": 1}}, []],
    "keys": {"a b": 1, "1": 2, "true": 3, "x: y": 4, "k" * 140: 5, "": 6, "it's": 7},
}
doc["map"] = {f"key{i}": t for i, t in enumerate(texts[60:160])}
sys.stdout.write(dumps_yaml(doc))
