"""Writes `fixtures/static/golden.json`: texts, their tokens and embeddings as Python computes them from the table.

    pip install tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6
    python scripts/static_golden.py fixtures/static/golden.json

Each case has a `text` (written `repeat` times in a row), its `tokens` and its `embedding`, null where no token is left.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from static_table import UNKNOWN, read_table, read_tokenizer

MAX_TOKENS = 512
TEXTS = [
    "software for astronomy",
    "I am still waiting on my card?",
    "Real-time strategy game of ancient warfare",
    "The quick brown fox jumps over the lazy dog.",
    "What's the weather like in São Paulo, 25°C or 77°F?",
    "C++ bittorrent library (v2.0) by Rasterbar Software",
    "UPPER CASE AND lower case And CamelCase snake_case kebab-case",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "https://example.org/a/b?c=d&e=%20f#g mailto:someone@example.org",
    "1234567890 3.14159 -42 1e-10 0xdeadbeef £10 $5 €7 ¥9",
    "!!! ??? ... --- ,,, ''' \"\"\" ((([[[{{{ <<<",
    "#39;s ##ing ## #",
    "[CLS] [SEP] [UNK] [MASK] [PAD] [unused1]",
    "a b\tc\nd\re\u000bf\u000cg\u0085h\u00a0i\u2003j\u2028k\u3000l",
    "zero\u200bwidth\u200djoiner\ufeffmark\u00adhyphen",
    "nul\u0000byte\u0001control\u007fdelete\ufffdreplacement",
    "café naïve Zürich Ångström Škoda señor façade",
    "cafe\u0301 with a combining accent, a\u0308\u0323 with two",
    "İstanbul ILGAZ ıssız STRASSE Straße ß ẞ",
    "Ελληνικά Σίσυφος ΟΔΥΣΣΕΥΣ",
    "Московский государственный университет ёлка",
    "שלום עולם, מה שלומך היום?",
    "مرحبا بالعالم كيف حالك اليوم؟ \u200fمن اليمين",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "中文文本没有空格，真的。",
    "日本語のテキスト、カタカナとひらがな 東京",
    "한국어 텍스트 안녕하세요",
    "\U00020000\U0002a700\U0002b740\U0002f800 豈 rare Chinese",
    "mixed 中文and英文text中",
    "great 👍🏽 work 🎉🎉 family 👨‍👩‍👧‍👦 flag 🇩🇪",
    "ﬁne ﬂuﬀy ligatures ｆｕｌｌｗｉｄｔｈ ½ ² ™ №",
    "𝕱𝖗𝖆𝖐𝖙𝖚𝖗 𝓼𝓬𝓻𝓲𝓹𝓽 mathematical letters",
    "“curly” ‘quotes’ – en — em … ellipsis • bullet ¿qué?",
    "e = mc² ∑∫√ α β γ → ← ≤ ≥ ≠",
    "don't can't won't it's o'clock rock'n'roll",
    "vowels aeiou AEIOU äëïöü ÄËÏÖÜ âêîôû",
    "the the the the the the the the",
    "a",
    "Z",
    "7",
    "?",
    "中",
    "x" * 100,
    "x" * 101,
    "é" * 100,
    "é" * 101,
    "word " + "y" * 300 + " word",
    "",
    "   \t\n ",
    "\u0000\u0001\u0002",
    "👍",
    "\U00012000",
    "\ud7ff\ue000\uf8ff",
]
LONG = [("the long and winding road ", 10_000), ("lorem,", 5_000), ("ab", 50_000), ("\u0301", 10_000)]


def main() -> None:
    parser = argparse.ArgumentParser(description="write the golden cases of the built-in encoder")
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    table, tokenizer = read_table().astype(np.float64), read_tokenizer()
    cases = [case(text, repeat, table, tokenizer) for text, repeat in [(text, 1) for text in TEXTS] + LONG]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n", encoding="utf-8")


def case(text: str, repeat: int, table: np.ndarray, tokenizer) -> dict:
    unknown = tokenizer.token_to_id(UNKNOWN)
    tokens = [token for token in tokenizer.encode(text * repeat).ids if token != unknown][:MAX_TOKENS]
    embedding = None
    if tokens:
        mean = table[tokens].mean(axis=0)
        embedding = [float(f"{value:.8g}") for value in mean / np.linalg.norm(mean)]
    return {"text": text, "repeat": repeat, "tokens": tokens, "embedding": embedding}


if __name__ == "__main__":
    main()
