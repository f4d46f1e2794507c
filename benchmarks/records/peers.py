"""What scikit-learn makes of the same records: n-grams of characters, or a window of them, with logistic regression.

`python -m benchmarks.records.peers build/records` prints a row for each data set and seed.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split

from benchmarks.records.parts import read

CLASSIFY = ("languages", "source_lines", "names")
STRENGTHS = (10.0, 100.0)
"""Inverse strengths of regularization, of which a tenth of the records to train on chooses."""

WINDOW = 12
MOST_POSITIONS = 300_000


def classifier(train: list[dict[str, Any]]) -> Any:
    """Predicts labels of texts: n-grams of 1 to 5 characters, as they are or within words, whichever is better on a
    tenth of the records, then trained on all."""
    texts, labels = [row["text"] for row in train], [row["label"] for row in train]
    few, tenth, few_labels, tenth_labels = train_test_split(
        texts, labels, test_size=0.1, random_state=0, stratify=labels
    )
    best: tuple[float, str, float] | None = None
    for analyzer in ("char", "char_wb"):
        features = _ngrams(analyzer)
        known, unknown = features.fit_transform(few), features.transform(tenth)
        for strength in STRENGTHS:
            model = LogisticRegression(C=strength, max_iter=300).fit(known, few_labels)
            accuracy = model.score(unknown, tenth_labels)
            if best is None or accuracy > best[0]:
                best = (accuracy, analyzer, strength)
    assert best is not None
    _, analyzer, strength = best
    features = _ngrams(analyzer)
    model = LogisticRegression(C=strength, max_iter=300).fit(features.fit_transform(texts), labels)
    print(f"  chosen: {analyzer}, C = {strength:g}", flush=True)
    return lambda unseen: model.predict(features.transform(unseen))


def _ngrams(analyzer: str) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=analyzer, ngram_range=(1, 5), min_df=2, sublinear_tf=True, lowercase=False)


def windows(rows: list[dict[str, Any]], most: int | None = None) -> tuple[scipy.sparse.csr_matrix, list[str]]:
    """For each position of the texts: which character stands at each distance up to WINDOW, and the n-grams of two and
    three around it; and the tags. With `most`, only that many positions, chosen at random."""
    positions = [(i, at) for i, row in enumerate(rows) for at in range(len(row["text"]))]
    if most is not None and most < len(positions):
        chosen = np.random.default_rng(0).choice(len(positions), most, replace=False)
        positions = [positions[i] for i in chosen]
    padding = "\0" * WINDOW
    padded = [padding + row["text"] + padding for row in rows]

    def features(text: str, at: int) -> list[str]:
        around = text[at : at + 2 * WINDOW + 1]
        ones = [f"{i} {c}" for i, c in enumerate(around)]
        twos = [f"{i} {around[i : i + 2]}" for i in range(WINDOW - 5, WINDOW + 4)]
        threes = [f"{i} {around[i : i + 3]}" for i in range(WINDOW - 5, WINDOW + 3)]
        return ones + twos + threes

    hasher = FeatureHasher(1 << 18, input_type="string", alternate_sign=False)
    return hasher.transform(features(padded[i], at) for i, at in positions), [
        rows[i]["tags"][at] for i, at in positions
    ]


def tagger(train: list[dict[str, Any]], test: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """(the true tags of the test's positions, the predicted ones)."""
    model = LogisticRegression(C=10.0, max_iter=100).fit(*windows(train, MOST_POSITIONS))
    predicted: list[str] = []
    true: list[str] = []
    for begin in range(0, len(test), 200):
        seen, tags = windows(test[begin : begin + 200])
        predicted += list(model.predict(seen))
        true += tags
    return true, predicted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=(*CLASSIFY, "token_types"), default=(*CLASSIFY, "token_types"))
    arguments = parser.parse_args()
    for name in arguments.only:
        for seed in arguments.seeds:
            train, test = (read(arguments.folder / name / str(seed), part) for part in ("train", "test"))
            began = time.perf_counter()
            if name in CLASSIFY:
                true = [row["label"] for row in test]
                predicted = classifier(train)([row["text"] for row in test])
            else:
                true, predicted = tagger(train, test)
            accuracy, f1 = accuracy_score(true, predicted), f1_score(true, predicted, average="macro")
            seconds = time.perf_counter() - began
            print(f"{name} {seed}: accuracy {100 * accuracy:.2f}, macro F1 {100 * f1:.2f}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
