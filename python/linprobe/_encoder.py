"""A pretrained model by itself: texts or pictures in, unit vectors out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from . import _native, _pictures
from ._checks import count, text
from ._packages import needed
from ._progress import Bar, ProgressLike
from ._records import Model
from .errors import InputError

__all__ = ["Encoder"]

#: A text, a picture of Pillow, the path of a picture, or the bytes of its file.
Content = Any


class Encoder:
    """A pretrained model with all that stands before and after it, run by linprobe's own engine.

    Parameters
    ----------
    name : str
        ``"builtin"`` for the text encoder inside the package, which needs no download; a folder that ``save_pretrained``
        of transformers or sentence-transformers has written; a name on the Hugging Face hub, such as
        ``"openai/clip-vit-base-patch32"``; or the address of a server that embeds.
    engine : str, default "auto"
        What runs the model: ``"auto"``, ``"builtin"``, ``"bf16"``, ``"onnxruntime"``, ``"cuda"``, ``"openvino"`` or
        ``"openvino-bf16"``.
    resize : str, default "pillow"
        Whose resized pixels a model of pictures is given: those of ``"pillow"``, over which most were trained, or of
        ``"torchvision"``, as transformers takes where that is installed.

    Raises
    ------
    ModelError
        There is no such model, or it cannot be run here.

    Examples
    --------
    >>> encoder = linprobe.Encoder("builtin")
    >>> embeddings = encoder.embed(["a cat", "a kitten", "an invoice"])
    >>> embeddings.shape, embeddings.dtype
    ((3, 256), dtype('float32'))
    >>> similar = embeddings @ embeddings[0]
    >>> bool(similar[1] > similar[2])
    True
    """

    def __init__(
        self,
        name: str | os.PathLike[str] = "builtin",
        *,
        engine: str = "auto",
        resize: str = "pillow",
    ) -> None:
        self._native = _native.Encoder(os.fspath(name), text(engine, "engine"), text(resize, "resize"))
        self.model = Model(**self._native.model())

    @property
    def dimension(self) -> int:
        """The number of coordinates of its embeddings."""
        return self.model.dimension

    def embed(
        self,
        contents: Content | Iterable[Content],
        *,
        batch_size: int = 64,
        progress: ProgressLike = False,
        errors: str = "raise",
    ) -> NDArray[np.float32]:
        """Embeds texts or pictures.

        Ctrl-C ends it. Other threads of Python run meanwhile.

        Parameters
        ----------
        contents
            Texts (``str``), pictures of Pillow, paths of pictures (``pathlib.Path``) or the bytes of their files, in any mix
            that the model takes; or one of these.
        batch_size : int, default 64
            Contents that are prepared at a time.
        progress : bool or callable, default False
            ``True`` shows a bar of tqdm, if that is installed.
        errors : {"raise", "nan"}, default "raise"
            What becomes of a content that has no embedding, such as a damaged picture or a text of unknown words: an
            exception that names the first, or a row of NaN.

        Returns
        -------
        ndarray of float32, shape (n, d)
            A row of unit length for each content, in order; shape (d,) for a single one.

        Raises
        ------
        InputError
            A content has no embedding, with ``errors="raise"``.
        ModelError
            The model failed.
        """
        _check_errors(errors)
        batch_size = count(batch_size, "batch_size", least=1)
        one = _is_one(contents)
        given = [_content(content) for content in ([contents] if one else contents)]
        with Bar(progress, "contents") as bar:
            n_all = len(given)
            show = (lambda n_done: bar.show(n_done, n_all)) if bar.is_shown else None
            rows, bad = self._native.embed(given, batch_size, show)
        return _checked(rows, bad, errors, one)

    def embed_queries(
        self, texts: str | Sequence[str], *, errors: str = "raise"
    ) -> NDArray[np.float32]:
        """Embeds texts that others are searched for by. Some models were trained to tell a query from a passage.

        Returns
        -------
        ndarray of float32, shape (n, d)
            A row of unit length for each text; shape (d,) for a single one.
        """
        _check_errors(errors)
        one = isinstance(texts, str)
        queries = [texts] if isinstance(texts, str) else texts
        rows, bad = self._native.embed_queries([text(query, "a query") for query in queries])
        return _checked(rows, bad, errors, one)

    def encode(
        self,
        sentences: Content | Iterable[Content],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 64,
        show_progress_bar: bool | None = None,
        *,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | None = None,
        normalize_embeddings: bool = True,
    ) -> Any:
        """:meth:`embed` under the name and with the arguments of ``SentenceTransformer.encode``.

        Embeddings have unit length, and the processor makes them: what asks for something else is refused.

        Parameters
        ----------
        sentences
            As :meth:`embed` takes them.
        prompt_name : str, optional
            ``"query"`` for texts that others are searched for by, as :meth:`embed_queries`; ``"document"`` or ``"passage"``
            for others.
        prompt : str, optional
            Put before each text instead.
        batch_size : int, default 64
            Contents that are prepared at a time.
        show_progress_bar : bool, optional
            Whether a bar of tqdm is shown.
        convert_to_tensor : bool, default False
            Gives a tensor of torch.

        Returns
        -------
        ndarray or torch.Tensor of float32, shape (n, d)
            A row of unit length for each content, in order; shape (d,) for a single one.

        Raises
        ------
        InputError
            A content has no embedding, or an argument asks for what there is not.
        MissingPackageError
            ``convert_to_tensor`` without torch.

        Examples
        --------
        >>> linprobe.Encoder("builtin").encode(["a cat", "a dog"], show_progress_bar=False).shape
        (2, 256)
        """
        if not (convert_to_numpy or convert_to_tensor) or not normalize_embeddings:
            raise InputError("embeddings are one array or tensor, of unit length\nhint: leave the arguments out")
        if device not in (None, "cpu"):
            raise InputError(f'no device {device!r} is chosen here\nhint: Encoder(name, engine="cuda")')
        torch = needed("torch", "torch", "convert_to_tensor") if convert_to_tensor else None
        if prompt is None and prompt_name == "query":
            rows = self.embed_queries(cast("str | Sequence[str]", sentences))
        elif prompt is None and prompt_name not in (None, "document", "passage"):
            raise InputError(f'no prompt is named {prompt_name!r}\nhint: "query", "document", or give the prompt itself')
        else:
            contents = sentences if prompt is None else _prompted(prompt, sentences)
            rows = self.embed(contents, batch_size=batch_size, progress=bool(show_progress_bar))
        return rows if torch is None else torch.from_numpy(rows)

    def __repr__(self) -> str:
        return f"Encoder({self.model.id!r}, dimension={self.dimension})"


def _prompted(prompt: str, sentences: Any) -> str | list[str]:
    return prompt + sentences if isinstance(sentences, str) else [prompt + sentence for sentence in sentences]


def _is_one(contents: Any) -> bool:
    return isinstance(contents, (str, bytes, os.PathLike)) or _pictures.is_picture(contents)


def _content(content: Any) -> str | bytes:
    if isinstance(content, str):
        return text(content, "a content")
    if isinstance(content, bytes):
        return content
    if isinstance(content, os.PathLike):
        return Path(content).read_bytes()
    if _pictures.is_picture(content):
        return _pictures.to_model(content)
    raise InputError(f"{type(content).__name__} is neither a text nor a picture\nhint: give str, PIL.Image or a path")


def _check_errors(errors: str) -> None:
    if errors not in ("raise", "nan"):
        raise InputError(f'errors is "raise" or "nan", not {errors!r}')


def _checked(
    rows: NDArray[np.float32], bad: list[tuple[int, str]], errors: str, one: bool
) -> NDArray[np.float32]:
    if bad and errors == "raise":
        place, reason = bad[0]
        raise InputError(f'content {place} has no embedding: {reason}\nhint: errors="nan" makes it a row of NaN')
    for place, _ in bad:
        rows[place] = np.nan
    return rows[0] if one else rows
