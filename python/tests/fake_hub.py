"""A hub on this machine: as much of the Hugging Face hub's API as `huggingface_hub` and linprobe use to fetch repositories, and
to make and push them."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

#: Endings of files that go by way of LFS.
LARGE = (".safetensors", ".parquet", ".bin")

Files = Mapping[str, bytes]


@dataclass
class Repo:
    """A repository: commits, and what its branches stand for."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: Files, message: str) -> str:
        """Files on top of a branch; the name of the commit."""
        before = self.commits.get(self.branches.get(branch, ""), {})
        sha = hashlib.sha1(f"{branch} {len(self.commits)}".encode()).hexdigest()
        self.commits[sha] = {**before, **files}
        self.branches[branch] = sha
        self.messages.append(message)
        return sha

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """A branch or a commit: its name and files."""
        sha = self.branches.get(revision, revision)
        return (sha, self.commits[sha]) if sha in self.commits else None


class Hub:
    """Repositories by kind and name, a user `me`, and that user's token."""

    TOKEN = "hf_ofThisTest"

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.endpoint = ""

    def add(self, kind: str, name: str, files: Files, branch: str = "main") -> None:
        """Files of a branch; kinds are ``models`` and ``datasets``."""
        self.repos.setdefault((kind, name), Repo()).commit(branch, files, "files of a test")

    def model(self, name: str) -> Repo:
        """A repository of models."""
        return self.repos["models", name]


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serves the hub on a port of its own."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, *said: Any) -> None:
        """Says nothing."""

    def _answer(self) -> None:
        address = urlsplit(self.path)
        self.body = self._read_body()
        self.query = parse_qs(address.query)
        self.hub.requests.append(f"{self.command} {address.path}")
        parts = [unquote(part) for part in address.path.split("/")[1:]]
        if parts[0] == "lfs":
            self._put_large(parts[1])
        elif parts[:2] == ["api", "validate-yaml"]:
            self._json(self._check_page())
        elif parts[:2] == ["api", "repos"]:
            self._create()
        elif parts[0] == "api":
            self._api(parts[1], "/".join(parts[2:4]), parts[4:])
        elif parts[1].endswith(".git"):
            self._large_batch()
        else:
            kind, parts = ("datasets", parts[1:]) if parts[0] == "datasets" else ("models", parts)
            self._file(kind, "/".join(parts[:2]), parts[3], "/".join(parts[4:]))

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while length := int(self.rfile.readline(), 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _check_page(self) -> dict[str, Any]:
        """As little as is sure: a head between lines of dashes."""
        content = json.loads(self.body)["content"]
        assert content.startswith("---\n") and "\n---\n" in content, content
        return {"errors": [], "warnings": []}

    def _is_me(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {Hub.TOKEN}"

    def _create(self) -> None:
        asked = json.loads(self.body)
        owner = asked.get("organization") or "me"
        if not self._is_me() or owner != "me":
            self._refuse(403 if self._is_me() else 401, "you have no right to make repositories here")
            return
        name = f"{owner}/{asked['name']}"
        is_new = ("models", name) not in self.hub.repos
        is_private = asked.get("private") or asked.get("visibility") == "private"
        repo = self.hub.repos.setdefault(("models", name), Repo(private=bool(is_private)))
        if is_new:
            repo.commit("main", {".gitattributes": b""}, "initial commit")
        self._json({"url": f"{self.hub.endpoint}/{name}"}, 200 if is_new else 409)

    def _api(self, kind: str, name: str, rest: list[str]) -> None:
        repo = self._repo(kind, name)
        if repo is None:
            return
        what, revision = (rest + ["main"])[:2] if rest else ("revision", "main")
        found = repo.at(revision)
        if what == "branch":
            self._branch(repo, revision)
        elif what == "preupload":
            self._json({"files": [_upload_mode(file) for file in json.loads(self.body)["files"]]})
        elif found is None:
            self._refuse(404, "no such revision", "RevisionNotFound")
        elif what == "commit":
            self._commit(repo, name, revision)
        elif what == "tree":
            self._json([_entry(path, contents) for path, contents in found[1].items()])
        else:
            siblings = [{"rfilename": path} for path in found[1]]
            self._json({"id": name, "sha": found[0], "siblings": siblings, "private": repo.private})

    def _branch(self, repo: Repo, branch: str) -> None:
        if branch in repo.branches:
            self._refuse(409, "there is such a branch")
        else:
            repo.branches[branch] = repo.branches["main"]
            self._json({})

    def _commit(self, repo: Repo, name: str, revision: str) -> None:
        if not self._is_me():
            self._refuse(403, "you have no right to write here")
            return
        files, message = {}, ""
        for line in self.body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "header":
                message = value["summary"]
            elif operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:
                files[value["path"]] = self.hub.large[value["oid"]]
        is_proposed = "create_pr" in self.query
        sha = repo.commit("refs/pr/1" if is_proposed else revision, files, message)
        answer = {"commitUrl": f"{self.hub.endpoint}/{name}/commit/{sha}", "commitOid": sha}
        if is_proposed:
            answer["pullRequestUrl"] = f"{self.hub.endpoint}/{name}/discussions/1"
        self._json(answer)

    def _large_batch(self) -> None:
        objects = []
        for asked in json.loads(self.body)["objects"]:
            upload = {"href": f"{self.hub.endpoint}/lfs/{asked['oid']}"}
            objects.append({**asked, "actions": {"upload": upload}})
        self._json({"transfer": "basic", "objects": objects})

    def _put_large(self, oid: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.large[oid] = self.body
        self._json({})

    def _file(self, kind: str, name: str, revision: str, path: str) -> None:
        repo = self._repo(kind, name)
        if repo is None:
            return
        found = repo.at(revision)
        if found is None or path not in found[1]:
            self._refuse(404, f"no file {path}", "EntryNotFound")
            return
        sha, contents = found[0], found[1][path]
        etag = _entry(path, contents)["oid"]
        start = int(self.headers.get("Range", "bytes=0-")[len("bytes=") :].split("-")[0])
        headers = {"X-Repo-Commit": sha, "ETag": f'"{etag}"'}
        self._send(206 if start else 200, contents[start:], headers)

    def _repo(self, kind: str, name: str) -> Repo | None:
        repo = self.hub.repos.get((kind, name))
        if repo is None or (repo.private and not self._is_me()):
            self._refuse(401 if not self._is_me() else 404, "Repository not found", "RepoNotFound")
            return None
        return repo

    def _refuse(self, status: int, said: str, code: str = "") -> None:
        self._send(status, json.dumps({"error": said}).encode(), {"X-Error-Code": code, "X-Error-Message": said})

    def _json(self, answer: Any, status: int = 200) -> None:
        self._send(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _upload_mode(file: Mapping[str, Any]) -> dict[str, Any]:
    mode = "lfs" if file["path"].endswith(LARGE) else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}


def _entry(path: str, contents: bytes) -> dict[str, Any]:
    """A file as listings have it: git's digest of what is small, SHA-256 of what is large."""
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(contents)}
    if path.endswith(LARGE):
        digest = hashlib.sha256(contents).hexdigest()
        return {**entry, "oid": digest, "lfs": {"oid": digest, "size": len(contents), "pointerSize": 134}}
    git = b"blob %d\0" % len(contents) + contents
    return {**entry, "oid": hashlib.sha1(git).hexdigest()}
