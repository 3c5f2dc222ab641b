"""What `cargo xtask bench embed` compares with: PyTorch and sentence-transformers over the same
models and contents, and ONNX Runtime and OpenVINO over graphs that PyTorch exports of them.

    bench_embed_peer.py make FOLDER N_PICTURES N_TEXTS   writes CLIP ViT-B/32 with seeded random weights, and so many
                                                 pictures and texts
    bench_embed_peer.py clip MODEL PICTURES N    images/s of transformers, float32 and bfloat16, and of the engines
    bench_embed_peer.py minilm MODEL TEXTS N     texts/s of sentence-transformers, in the order of the file, and of the
                                                 engines, over texts sorted by length

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

BATCH_SIZE = 32
FIXTURES = Path(__file__).parent.parent / "fixtures/embed"
FIXTURE = FIXTURES / "clip-quick-gelu"


def main() -> None:
    command, *arguments = sys.argv[1:]
    {"make": make, "clip": clip, "minilm": minilm}[command](*arguments)


def make(folder: str, n_pictures: str, n_texts: str) -> None:
    """The image tower at full size; the text tower is the fixture's, since no text goes through it."""
    import numpy
    from PIL import Image
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    model, pictures = Path(folder) / "clip-b32", Path(folder) / f"pictures-{n_pictures}"
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
    texts = json.loads((FIXTURES / "minilm-texts.json").read_text())[: int(n_texts)]
    (Path(folder) / f"texts-{n_texts}.json").write_text(json.dumps(texts))
    random = numpy.random.default_rng(0)
    for number in range(int(n_pictures)):
        blurred = Image.fromarray(random.integers(0, 256, (24, 32, 3), dtype=numpy.uint8))
        blurred.resize((500, 375), Image.BICUBIC).save(pictures / f"{number:03}.jpg", quality=90)


def clip(model: str, pictures: str, n_passes: str) -> None:
    from PIL import Image
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    processor = CLIPImageProcessor.from_pretrained(model)
    tower = CLIPVisionModelWithProjection.from_pretrained(model).eval()
    files = [file.read_bytes() for file in sorted(Path(pictures).iterdir())]

    def embed_by(compute) -> torch.Tensor:
        rows = []
        for start in range(0, len(files), BATCH_SIZE):
            batch = [Image.open(io.BytesIO(file)).convert("RGB") for file in files[start : start + BATCH_SIZE]]
            rows.append(compute(processor(batch, return_tensors="pt").pixel_values))
        return torch.nn.functional.normalize(torch.cat(rows))

    def embed(dtype: torch.dtype) -> torch.Tensor:
        def compute(pixels: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                return tower(pixels).image_embeds.float()

        return embed_by(compute)

    exact, reduced = embed(torch.float32), embed(torch.bfloat16)
    report("embed/clip-b32-f32", len(files), n_passes, lambda: embed(torch.float32))
    report("embed/clip-b32-reduced", len(files), n_passes, lambda: embed(torch.bfloat16))
    line("embed/clip-b32-reduced/min-cosine", (exact * reduced).sum(1).min().item(), "cosine")
    graph = exported(model, "clip", tower, {"pixel_values": torch.rand(2, 3, 224, 224)}, "image_embeds")
    for engine, compute in engines(graph).items():
        run = lambda: embed_by(lambda pixels: compute({"pixel_values": pixels}))
        report(f"embed/clip-b32-{engine}", len(files), n_passes, run, PEERS[engine])
    line("embed/matrix-products", matrix_products(), "GFLOP/s")


def minilm(model: str, texts: str, n_passes: str) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model, device="cpu")
    contents = json.loads(Path(texts).read_text())
    # In its default order: it sorts texts by length itself, and batches 32 of them.
    report("embed/minilm", len(contents), n_passes, lambda: encoder.encode(contents, batch_size=32))
    names = ["input_ids", "attention_mask"]
    graph = exported(model, "minilm", encoder[0].auto_model, {name: torch.ones(2, 3).long() for name in names}, "last_hidden_state")

    def embed(compute) -> list:
        rows, by_length = [], sorted(contents, key=len)
        for start in range(0, len(by_length), BATCH_SIZE):
            tokens = encoder.tokenize(by_length[start : start + BATCH_SIZE])
            hidden, mask = compute({name: tokens[name] for name in names}), tokens["attention_mask"].unsqueeze(2)
            rows.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)))
        return rows

    for engine, compute in engines(graph).items():
        report(f"embed/minilm-{engine}", len(contents), n_passes, lambda: embed(compute), PEERS[engine])


PEERS = {engine: f"{engine.removesuffix('-bf16')} in Python" for engine in ["onnxruntime", "openvino", "openvino-bf16"]}


class Given(torch.nn.Module):
    """One output of a model, as a function of its inputs in their order."""

    def __init__(self, model, names, output):
        super().__init__()
        self.model, self.names, self.output = model, names, output

    def forward(self, *tensors):
        return self.model(**dict(zip(self.names, tensors, strict=True)))[self.output]


def exported(model: str, name: str, module, inputs: dict, output: str) -> Path:
    """A graph beside the folder of a model, not in it, where our own engines would take it."""
    graph = Path("target/bench-embed") / f"{name}.onnx"
    graph.parent.mkdir(parents=True, exist_ok=True)
    axes = {name: {axis: f"{name}{axis}" for axis in ([0] if name == "pixel_values" else [0, 1])} for name in inputs}
    given = Given(module.eval(), list(inputs), output)
    options = {"input_names": list(inputs), "output_names": [output], "dynamic_axes": axes | {output: {0: "n"}}}
    torch.onnx.export(given, tuple(inputs.values()), str(graph), dynamo=False, **options)
    return graph


def engines(graph: Path) -> dict:
    """What computes a graph, by the names of engines."""
    return {"onnxruntime": in_onnxruntime(graph), "openvino": in_openvino(graph, "f32"), "openvino-bf16": in_openvino(graph, "bf16")}


def in_onnxruntime(graph: Path):
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return lambda feeds: torch.from_numpy(session.run(None, {name: value.numpy() for name, value in feeds.items()})[0])


def in_openvino(graph: Path, precision: str):
    import openvino

    compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    return lambda feeds: torch.from_numpy(compiled({name: value.numpy() for name, value in feeds.items()})[0].copy())


def matrix_products() -> float:
    """The highest rate at which this machine multiplies large matrices, in GFLOP/s."""
    left, right = torch.randn(2048, 2048), torch.randn(2048, 2048)
    seconds = min(timed(lambda: left @ right) for _ in range(10))
    return 2 * 2048**3 / seconds / 1e9


def report(bench: str, n_contents: int, n_passes: str, run, peer: str | None = None) -> None:
    run()
    seconds = statistics.median(timed(run) for _ in range(int(n_passes)))
    line(bench, n_contents / seconds, "per s", peer)


def timed(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def line(bench: str, value: float, unit: str, peer: str | None = None) -> None:
    peer = peer or f"torch {torch.__version__}"
    print(json.dumps({"bench": bench, "value": value, "unit": unit, "peer": peer, "peer_value": None, "ratio": None}))


if __name__ == "__main__":
    main()
