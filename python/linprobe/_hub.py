"""The Hugging Face hub as repositories of classifiers: fetched from and pushed to by ``huggingface_hub``, where it is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import ClassifierError

__all__ = ["Push", "fetch", "licensed"]


def fetch(name: str, files: list[str], how: Mapping[str, Any]) -> Path:
    """A folder of the cache with these files of a repository, as far as it has them."""
    hub = _library(f"there is no folder {name}, and a name on the hub needs huggingface_hub")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=files, library_name="linprobe", **how))
    # Of the library, of whatever it speaks HTTP with, and of the system.
    except Exception as error:
        raise _refused(f"there is no folder {name}, and the hub does not give it", error) from error


class Push:
    """What is pushed to a branch of a repository."""

    def __init__(
        self, name: str, revision: str | None, *, private: bool | None, token: str | bool | None
    ) -> None:
        self._hub = _library("pushing needs huggingface_hub")
        self._api = self._hub.HfApi(token=token, library_name="linprobe")
        self._name = name
        self._revision = revision
        self._private = private

    def made(self) -> str:
        """The whole name of the repository, which is made if there is none, and so is the branch."""
        try:
            self._name = str(self._api.create_repo(self._name, private=self._private, exist_ok=True).repo_id)
            if self._revision is not None and not self._revision.startswith("refs/"):
                self._api.create_branch(self._name, branch=self._revision, exist_ok=True)
        except Exception as error:
            raise _refused(f"cannot make {self._name} on the hub", error) from error
        return self._name

    def commit(self, files: Mapping[str, bytes], said: Mapping[str, Any]) -> Any:
        """Files in one commit."""
        operations = [self._hub.CommitOperationAdd(path, contents) for path, contents in files.items()]
        try:
            return self._api.create_commit(self._name, operations, revision=self._revision, **said)
        except Exception as error:
            raise _refused(f"cannot push to {self._name}", error) from error


def licensed(page: str, license: str | None) -> str:
    """The page of a model with the licence in its head."""
    if license is None:
        return page
    card = _library("a licence needs huggingface_hub").ModelCard(page)
    card.data.license = license
    return str(card)


def _library(said: str) -> ModuleType:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ClassifierError(f"{said}\nhint: pip install huggingface_hub") from error
    return huggingface_hub


def _refused(what: str, error: Exception) -> ClassifierError:
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    status = getattr(getattr(error, "response", None), "status_code", None)
    hint = ""
    if status in (401, 403, 404):
        hint = "\nhint: check the name; what is private, and pushing, need a token: hf auth login, or token=..."
    elif isinstance(error, ValueError):
        hint = '\nhint: the name of a repository is "owner/name"'
    return ClassifierError(f"{what}: {reason}{hint}")
