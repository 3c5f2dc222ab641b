"""Classifiers go to a hub and come back, with the library that everybody uses for it, over a hub of this machine. The library
reads its environment when it is imported, so each test runs a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_hub import Hub, running

import linprobe
from linprobe import LinearClassifier

pytest.importorskip("huggingface_hub")

FITTED = """
import numpy as np
import linprobe
from linprobe import LinearClassifier

X = np.eye(4, dtype=np.float32)
classifier = LinearClassifier(freedom=2.0).fit(X, ["cat", "dog", "dog", "cat"])
classifier.threshold_ = 0.25
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub without repositories."""
    with running(Hub()) as hub:
        yield hub


@pytest.fixture
def program(hub: Hub, tmp_path: Path):
    """Runs a program beside the hub, and gives what it prints."""

    def run(script: str, **environment: str) -> str:
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        surroundings |= {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_DISABLE_XET": "1"}
        surroundings |= {"HF_TOKEN": Hub.TOKEN, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        done = subprocess.run(
            [sys.executable, "-W", "error::UserWarning", "-c", FITTED + script],
            env=surroundings | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def test_what_is_pushed_comes_back_as_it_was(hub: Hub, program):
    pushed = program('commit = classifier.push_to_hub("me/dogs", commit_message="First")\nprint(commit, commit.oid)')
    address, oid = pushed.split()
    assert address == f"{hub.endpoint}/me/dogs/commit/{oid}"
    repo = hub.model("me/dogs")
    assert repo.messages == ["initial commit", "First"] and not repo.private
    files = repo.at("main")[1]
    assert set(files) == {".gitattributes", "README.md", "config.json", "classifier.safetensors"}
    page = files["README.md"].decode()
    assert 'from_pretrained("me/dogs")' in page and "at least **0.25**" in page and "# license: yours" in page
    came = program("""
same = LinearClassifier.from_pretrained("me/dogs")
assert (same.coef_ == classifier.coef_).all() and same.threshold_ == 0.25 and same.freedom == 2.0
print(same.predict(X).tolist() == classifier.predict(X).tolist(), same.classes_)
""")
    assert came == "True ['cat' 'dog']"


def test_a_name_alone_is_a_repository_of_ones_own(hub: Hub, program):
    program('classifier.push_to_hub("dogs", license="apache-2.0")')
    page = hub.model("me/dogs").at("main")[1]["README.md"].decode()
    assert 'from_pretrained("me/dogs")' in page
    assert "license: apache-2.0" in page.split("---")[1] and "library_name: linprobe" in page.split("---")[1]


def test_a_private_repository_is_for_who_has_the_token(hub: Hub, program):
    program('classifier.push_to_hub("me/dogs", private=True)')
    assert hub.model("me/dogs").private
    said = program("""
try:
    LinearClassifier.from_pretrained("me/dogs", token=False)
except linprobe.ClassifierError as error:
    print(type(error.__cause__).__name__, error)
""")
    assert said.startswith("RepositoryNotFoundError there is no folder me/dogs, and the hub does not give it: 401")
    assert "\nhint: " in said and "token" in said
    assert program(f'print(LinearClassifier.from_pretrained("me/dogs", token="{Hub.TOKEN}").classes_)', HF_TOKEN="")


def test_a_branch_is_made_and_read_by_its_name(hub: Hub, program):
    program('classifier.push_to_hub("me/dogs", revision="trial")')
    program('classifier.push_to_hub("me/dogs", revision="trial", commit_message="Again")')
    repo = hub.model("me/dogs")
    assert repo.messages[-1] == "Again"
    assert "classifier.safetensors" in repo.at("trial")[1] and "classifier.safetensors" not in repo.at("main")[1]
    said = program("""
print(LinearClassifier.from_pretrained("me/dogs", revision="trial").threshold_)
try:
    LinearClassifier.from_pretrained("me/dogs")
except linprobe.ClassifierError as error:
    print(error)
""")
    assert said.startswith("0.25\nme/dogs holds no classifier.safetensors\nhint: ")


def test_a_pull_request_changes_no_branch(hub: Hub, program):
    said = program('print(classifier.push_to_hub("me/dogs", create_pr=True).pr_url)')
    assert said == f"{hub.endpoint}/me/dogs/discussions/1"
    assert set(hub.model("me/dogs").at("main")[1]) == {".gitattributes"}


def test_who_may_not_push_is_told_why(hub: Hub, program):
    said = program("""
for name, token in (("me/dogs", "hf_wrong"), ("you/dogs", None), ("a/b/c", None)):
    try:
        classifier.push_to_hub(name, token=token)
    except linprobe.ClassifierError as error:
        print(error)
""")
    wrong, others, bad = said.split("cannot make ")[1:]
    assert "me/dogs on the hub" in wrong and "401" in wrong and "hf auth login" in wrong
    assert "you/dogs on the hub" in others and "403" in others
    assert 'hint: the name of a repository is "owner/name"' in bad
    assert not hub.repos


def test_what_was_fetched_once_needs_no_hub(hub: Hub, program):
    program('classifier.push_to_hub("me/dogs")\nLinearClassifier.from_pretrained("me/dogs")')
    hub.requests.clear()
    assert program('print(LinearClassifier.from_pretrained("me/dogs").threshold_)', HF_HUB_OFFLINE="1") == "0.25"
    assert program('print(LinearClassifier.from_pretrained("me/dogs", local_files_only=True).threshold_)') == "0.25"
    assert not hub.requests


def test_without_the_library_the_message_says_what_to_install(tmp_path: Path, monkeypatch):
    classifier = LinearClassifier().fit_scores(np.eye(2), [1, -1])
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(linprobe.ClassifierError, match="hint: pip install huggingface_hub"):
        classifier.push_to_hub("me/dogs")
    with pytest.raises(linprobe.ClassifierError, match="no folder me/dogs.*\nhint: pip install huggingface_hub"):
        LinearClassifier.from_pretrained("me/dogs")


def test_the_page_of_a_session_says_what_its_audit_measured(hub: Hub, program, tmp_path: Path):
    program(f"""
texts = [f"note {{i}} about {{'cats' if i % 3 == 0 else 'law'}}" for i in range(60)]
project = linprobe.Project({str(tmp_path / "project")!r})
project.index(texts, progress=False)
session = project.session(text="cats", name="about cats")
session.score({{str(i): 1.0 if i % 3 == 0 else -1.0 for i in range(12)}})
audit = session.audit(budget=20)
audit.score({{record.id: 1.0 if "cats" in record.text else -1.0 for record in audit.open}})
session.classifier().push_to_hub("me/cats")
""")
    page = hub.model("me/cats").at("main")[1]["README.md"].decode()
    assert "# about cats" in page and "Measured by an audit: 20 records" in page
    assert "model-index:" in page.split("---")[1] and "| precision |" in page


def test_a_threshold_that_was_moved_is_kept_without_the_audit_of_another(tmp_path: Path, project):
    session = project.session(text="a kitten sleeps")
    shown = session.next(10)
    session.score({record.id: 1.0 if record.label == "cats" else -1.0 for record in shown})
    audit = session.audit(budget=15)
    audit.score({record.id: 1.0 if record.label == "cats" else -1.0 for record in audit.open})
    classifier = session.classifier()
    classifier.save(tmp_path / "own.safetensors")
    assert LinearClassifier.load(tmp_path / "own.safetensors").card_["audit"] is not None
    classifier.threshold_ = classifier.threshold_ + 0.5
    classifier.save(tmp_path / "moved.safetensors")
    moved = LinearClassifier.load(tmp_path / "moved.safetensors")
    assert moved.threshold_ == pytest.approx(classifier.threshold_) and moved.card_["audit"] is None
