"""The five text sets on which text encoders are compared: texts, their classes, a phrase for each class.

The sets are read from a folder that the caller names; none of them is part of this repository. A class is what a user looks for, its phrase is what they would type.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TREC_PHRASES = {
    "ABBR": "abbreviation",
    "DESC": "description or definition",
    "ENTY": "entity, thing or animal",
    "HUM": "person or group",
    "LOC": "location, city or country",
    "NUM": "number, date or amount",
}
AG_PHRASES = {"1": "world politics", "2": "sports", "3": "business", "4": "science and technology"}
SMS_PHRASES = {"spam": "spam advertisement, win a prize"}


@dataclass
class TextSet:
    """Texts with one class each. `phrases` holds the classes that are searched for."""

    name: str
    texts: list[str]
    labels: np.ndarray
    phrases: dict[str, str]


def load_all(folder: Path) -> list[TextSet]:
    """Reads all five sets."""
    readers = [read_banking77, read_clinc150, read_trec, read_ag_news, read_sms_spam]
    return [reader(folder) for reader in readers]


def read_banking77(folder: Path) -> TextSet:
    with open(folder / "banking77/train.csv", newline="", encoding="utf-8") as file:
        pairs = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    return from_pairs("banking77", pairs)


def read_clinc150(folder: Path) -> TextSet:
    parts = json.loads((folder / "clinc150/train_val.json").read_text(encoding="utf-8"))
    return from_pairs("clinc150", [tuple(pair) for name in ("train", "val") for pair in parts[name]])


def read_trec(folder: Path) -> TextSet:
    lines = (folder / "trec/TREC.train").read_text(encoding="latin-1").splitlines()
    split = [line.split(" ", 1) for line in lines]
    return from_pairs("TREC", [(text, label.split(":")[0]) for label, text in split], TREC_PHRASES)


def read_ag_news(folder: Path) -> TextSet:
    with open(folder / "ag_news/dev.csv", newline="", encoding="utf-8") as file:
        pairs = [(f"{title}. {body}", label) for label, title, body in csv.reader(file)]
    return from_pairs("AG News", pairs, AG_PHRASES)


def read_sms_spam(folder: Path) -> TextSet:
    lines = (folder / "sms_spam/dev.tsv").read_text(encoding="utf-8").splitlines()
    split = [line.split("\t", 1) for line in lines]
    return from_pairs("SMS spam", [(text, label) for label, text in split], SMS_PHRASES)


def from_pairs(name: str, pairs: list[tuple[str, str]], phrases: dict[str, str] | None = None) -> TextSet:
    """Line breaks become spaces, so that a text is a line for every encoder."""
    texts = [" ".join(text.split()) for text, _ in pairs]
    labels = np.array([label for _, label in pairs])
    by_name = {label: label.replace("_", " ") for label in sorted(set(labels))}
    return TextSet(name, texts, labels, phrases or by_name)
