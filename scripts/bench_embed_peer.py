"""What `cargo xtask bench embed` compares with: PyTorch and sentence-transformers over the same
models and contents.

    bench_embed_peer.py make FOLDER              writes CLIP ViT-B/32 with seeded random weights, and pictures
    bench_embed_peer.py clip MODEL PICTURES N    images/s of transformers, float32 and bfloat16
    bench_embed_peer.py minilm MODEL TEXTS N     texts/s of sentence-transformers, in the order of the file

Each measurement is one JSON object a line, the median of N passes: from the files' bytes, which are in memory,
to embeddings. The least cosine of bfloat16 to float32 comes with it, and the highest rate of matrix products.
"""

import io
import json
import statistics
import sys
import time
from pathlib import Path

import torch

N_PICTURES = 256
BATCH_SIZE = 32
FIXTURE = Path(__file__).parent.parent / "fixtures/embed/clip-quick-gelu"


def main() -> None:
    command, *arguments = sys.argv[1:]
    {"make": make, "clip": clip, "minilm": minilm}[command](*arguments)


def make(folder: str) -> None:
    """The image tower at full size; the text tower is the fixture's, since no text goes through it."""
    import numpy
    from PIL import Image
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    model, pictures = Path(folder) / "clip-b32", Path(folder) / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    text = json.loads((FIXTURE / "config.json").read_text())["text_config"]
    sizes = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"]
    sizes += ["max_position_embeddings", "hidden_act", "eos_token_id", "bos_token_id", "pad_token_id"]
    config = CLIPConfig(text_config={name: text[name] for name in sizes if name in text})
    CLIPModel(config).eval().save_pretrained(model)
    CLIPImageProcessor().save_pretrained(model)
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        (model / name).write_bytes((FIXTURE / name).read_bytes())
    random = numpy.random.default_rng(0)
    for number in range(N_PICTURES):
        blurred = Image.fromarray(random.integers(0, 256, (24, 32, 3), dtype=numpy.uint8))
        blurred.resize((500, 375), Image.BICUBIC).save(pictures / f"{number:03}.jpg", quality=90)


def clip(model: str, pictures: str, n_passes: str) -> None:
    from PIL import Image
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    processor = CLIPImageProcessor.from_pretrained(model)
    tower = CLIPVisionModelWithProjection.from_pretrained(model).eval()
    files = [file.read_bytes() for file in sorted(Path(pictures).iterdir())]

    def embed(dtype: torch.dtype) -> torch.Tensor:
        rows = []
        for start in range(0, len(files), BATCH_SIZE):
            batch = [Image.open(io.BytesIO(file)).convert("RGB") for file in files[start : start + BATCH_SIZE]]
            pixels = processor(batch, return_tensors="pt").pixel_values
            with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                rows.append(tower(pixels).image_embeds.float())
        return torch.nn.functional.normalize(torch.cat(rows))

    exact, reduced = embed(torch.float32), embed(torch.bfloat16)
    report("embed/clip-b32-f32", len(files), n_passes, lambda: embed(torch.float32))
    report("embed/clip-b32-reduced", len(files), n_passes, lambda: embed(torch.bfloat16))
    line("embed/clip-b32-reduced/min-cosine", (exact * reduced).sum(1).min().item(), "cosine")
    line("embed/matrix-products", matrix_products(), "GFLOP/s")


def minilm(model: str, texts: str, n_passes: str) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model, device="cpu")
    contents = json.loads(Path(texts).read_text())
    # In its default order: it sorts texts by length itself, and batches 32 of them.
    report("embed/minilm", len(contents), n_passes, lambda: encoder.encode(contents, batch_size=32))


def matrix_products() -> float:
    """The highest rate at which this machine multiplies large matrices, in GFLOP/s."""
    left, right = torch.randn(2048, 2048), torch.randn(2048, 2048)
    seconds = min(timed(lambda: left @ right) for _ in range(10))
    return 2 * 2048**3 / seconds / 1e9


def report(bench: str, n_contents: int, n_passes: str, run) -> None:
    run()
    seconds = statistics.median(timed(run) for _ in range(int(n_passes)))
    line(bench, n_contents / seconds, "per s")


def timed(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def line(bench: str, value: float, unit: str) -> None:
    peer = f"torch {torch.__version__}"
    print(json.dumps({"bench": bench, "value": value, "unit": unit, "peer": peer, "peer_value": None, "ratio": None}))


if __name__ == "__main__":
    main()
