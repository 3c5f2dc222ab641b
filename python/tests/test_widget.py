"""The widget without a browser: what it is sent, what it answers, and that it and the session are one."""

from __future__ import annotations

import builtins
import json
import uuid
from pathlib import Path

import pytest

import linprobe

pytest.importorskip("anywidget")


class Browser:
    """Says to a widget what its front end would, and keeps what it hears."""

    def __init__(self, widget) -> None:
        self.widget = widget
        self.heard: list[tuple[dict, list[bytes]]] = []
        widget.send = lambda content, buffers=None: self.heard.append((content, buffers or []))

    def ask(self, path: str, body: object = None, method: str | None = None) -> tuple[int, str, bytes]:
        """Status, form and body of an answer."""
        ask = str(uuid.uuid4())
        text = "" if body is None else json.dumps(body)
        asked = {"ask": ask, "method": method or ("GET" if body is None else "POST"), "path": path, "body": text}
        self.heard.clear()
        self.widget._handle_custom_msg(asked, [])
        (begun, _), (answered, (answer,)) = self.heard
        assert begun == {"begun": ask} and answered.pop("answered") == ask
        return answered["status"], answered["form"], answer

    def json(self, path: str, body: object = None):
        """An answer that is no problem."""
        status, form, answer = self.ask(self.at(path), body)
        assert (status, form) == (200, "application/json"), answer
        return json.loads(answer)

    def problem(self, path: str, body: object = None) -> dict:
        status, form, answer = self.ask(path, body)
        problem = json.loads(answer)
        assert form == "application/problem+json" and problem["status"] == status >= 400
        return problem

    def at(self, path: str) -> str:
        return f"projects/{self.widget.project}/sessions/{self.widget.session}/{path}".rstrip("/")

    def answer(self, scores: dict[str, float]) -> None:
        answers = [{"request": str(uuid.uuid4()), "id": id, "label": score} for id, score in scores.items()]
        done = self.json("answers", {"annotator": "", "answers": answers})
        assert [one["status"] for one in done["answers"]] == ["recorded"] * len(scores)


@pytest.fixture
def session(project):
    return project.session(text="a pet that purrs", name="cats")


@pytest.fixture
def browser(session):
    return Browser(session.widget())


def ids(round) -> list[str]:
    return [shown["record"]["id"] for shown in round["records"]]


def test_a_label_given_in_the_widget_is_one_of_the_session_and_on_the_disk(project, session, browser):
    shown = browser.json("rounds", {"annotator": "", "k": 4})["round"]
    assert len(ids(shown)) == 4
    browser.answer({ids(shown)[0]: 1.0, ids(shown)[1]: -0.5})
    expected = {ids(shown)[0]: 1.0, ids(shown)[1]: -0.5}
    assert session.labels == expected
    assert project.session("cats").labels == expected
    assert linprobe.Project(project.path).session("cats").labels == expected


def test_the_widget_shows_the_round_that_the_session_shows(session, browser):
    round = session.next(5)
    session.score({round[0].id: 1.0})
    opened = browser.json("")["round_open"]
    assert (opened["number"], ids(opened)) == (round.number, round.ids)
    assert opened["records"][0]["answer"]["label"] == 1.0
    browser.answer({round[1].id: -1.0})
    assert [record.given for record in session.next(5)] == [1.0, -1.0, None, None, None]


def test_the_next_round_is_a_fit_and_says_what_it_has_come_to(session, browser):
    first = browser.json("rounds", {"annotator": "", "k": 6})["round"]
    browser.answer({id: 1.0 if int(id) % 3 == 0 else -1.0 for id in ids(first)})
    dealt = browser.json("rounds", {"annotator": "", "k": 6})
    assert set(ids(dealt["round"])).isdisjoint(ids(first)) and dealt["round"]["number"] == 2
    insight = dealt["insight"]
    assert insight["n_labels"] == 6 and sum(insight["histogram"]["counts"]) == 60
    assert len(session.history()) == 2


def test_an_undo_takes_back_what_was_answered_last_wherever_that_was(session, browser):
    session.score({"0": 0.5})
    browser.answer({"0": 1.0})
    undo = {"annotator": "", "request": str(uuid.uuid4())}
    undone = browser.json("undo", undo)["undone"]
    assert (undone["id"], undone["label_now"]) == ("0", 0.5)
    browser.json("undo", undo)
    assert session.labels == {"0": 0.5}, "sent twice, it is done once"
    assert session.undo() == ("0", None)


def test_an_answer_sent_twice_counts_once(session, browser):
    answer = {"request": str(uuid.uuid4()), "id": "3", "label": 1.0}
    for _ in range(2):
        browser.json("answers", {"annotator": "", "answers": [answer]})
    assert session.labels == {"3": 1.0}
    assert session.undo() == ("3", None) and session.undo() is None


def test_what_goes_wrong_is_an_answer_and_names_the_thing(session, browser, monkeypatch):
    refused = browser.json("answers", {"answers": [{"request": "r", "id": "nothing", "label": 1.0}]})["answers"][0]
    assert refused["status"] == "refused" and "nothing" in refused["problem"]["detail"]
    assert browser.problem("projects/elsewhere/sessions/cats")["type"] == "unknown-project"
    assert browser.problem("no/such/path")["type"] == "not-found"
    assert browser.problem("a path with spaces")["type"] == "bad-request"
    assert browser.problem(browser.at("rounds"), ["not", "a", "round"])["type"] == "bad-request"

    class Failing:
        def answer(self, *_: str) -> None:
            raise linprobe.StorageError("the disk is full\nhint: make room")

    browser.widget._door = Failing()
    assert "StorageError: the disk is full" in browser.problem(browser.at(""))["detail"]
    with pytest.raises(linprobe.InputError, match="no request"):
        browser.widget._hear(browser.widget, {"path": "projects"}, [])
    assert session.labels == {}


def test_pictures_come_as_they_are(tmp_path: Path):
    image = pytest.importorskip("PIL.Image")
    from conftest import CLIP

    project = linprobe.Project(tmp_path / "pictures")
    pictures = [image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    project.index(pictures, model=str(CLIP), progress=False)
    browser = Browser(project.session(text="red", name="red").widget())
    shown = browser.json("rounds", {"annotator": "", "k": 3})["round"]["records"][0]["record"]
    record = f"projects/{browser.widget.project}/records/{shown['id']}"
    status, form, body = browser.ask(f"{record}/thumbnail?size=512")
    assert (status, form, body[:2]) == (200, "image/jpeg", b"\xff\xd8")
    status, form, body = browser.ask(f"{record}/content")
    assert (status, form, body[:4]) == (200, "image/png", b"\x89PNG")


def test_widgets_are_told_of_what_is_scored_beside_them(project, session, browser):
    other = Browser(project.session(text="tax", name="tax").widget())
    for write in (lambda: session.score({"0": 1.0}), session.undo, session.skip_rest, session.reset_seen):
        browser.heard.clear()
        write()
        assert browser.heard == [({"changed": True}, [])]
    project.session("cats").score({"1": 1.0})
    assert len(browser.heard) == 2 and other.heard == []


def test_a_session_has_one_widget_until_that_is_closed(session):
    widget = session.widget()
    assert session.widget(height=500) is widget and widget.height == 500
    widget.close()
    assert session.widget() is not widget


def test_a_session_goes_on_over_what_is_indexed_while_its_widget_is_shown(project, session, browser):
    shown = browser.json("rounds", {"annotator": "", "k": 4})["round"]
    browser.answer({ids(shown)[0]: 1.0})
    project.index([{"id": "new", "text": "a kitten purrs, and one more cat"}], name="more", progress=False)
    assert browser.json("")["n_labels"] == 1 and browser.json("insight")["n_points"] == 61
    assert session.score({"new": 1.0}).n_points == 61


def test_the_file_of_the_widget_is_in_the_package(session):
    assert "export default () =>" in session.widget()._esm


def test_without_anywidget_the_error_says_what_to_install(session, monkeypatch):
    import sys

    found = builtins.__import__

    def missing(name, *rest):
        if name == "anywidget":
            raise ModuleNotFoundError("No module named 'anywidget'")
        return found(name, *rest)

    monkeypatch.delitem(sys.modules, "linprobe._widget", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(linprobe.MissingPackageError, match=r"hint: pip install") as raised:
        session.widget()
    assert isinstance(raised.value, ImportError) and isinstance(raised.value.__cause__, ImportError)
