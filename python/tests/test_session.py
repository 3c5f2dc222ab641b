"""Sessions: what was said stays said, and every call says what it did."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import linprobe


def say(record) -> float:
    return 1.0 if record.label == "cats" else -1.0


def test_a_few_rounds_find_what_is_looked_for(project):
    session = project.session(text="a pet that purrs")
    for _ in range(3):
        round = session.next(5)
        fit = session.score({record.id: say(record) for record in round})
    assert fit.n_labels == 15 and fit.n_points == 60
    assert fit.histogram.counts.sum() == 60 and len(fit.histogram.edges) == len(fit.histogram.counts) + 1
    scores = project.predict(session)
    assert set(scores["label"][:20]) == {"cats"}
    history = session.history()
    assert history["round"].tolist() == [1, 2, 3] and history["n_labels"].tolist() == [5, 5, 5]


def test_what_was_scored_is_there_in_another_process(project):
    session = project.session(text="cats", name="cats")
    first = session.next(3)
    session.score({first[0].id: 0.5, first[1].id: None})
    again = linprobe.Project(project.path).session("cats")
    assert again.labels == {first[0].id: 0.5}
    round = again.next(3)
    assert (round.number, round.ids) == (1, first.ids)
    assert [record.given for record in round] == [0.5, None, None]
    assert [record.id for record in round.open] == [first[2].id]
    assert again.skip_rest() == 1
    assert set(again.next(3).ids).isdisjoint(first.ids)
    assert project.sessions == ["cats"] and project.session().name == "cats"


def test_a_session_goes_on_when_another_process_has_written_to_it_meanwhile(project):
    session = project.session(text="cats", name="cats")
    other = linprobe.Project(project.path).session("cats")
    session.score({"0": 1.0})
    other.score({"1": -1.0, "2": 0.5})
    assert session.score({"3": 1.0}).n_labels == 4
    assert session.labels == {"0": 1.0, "1": -1.0, "2": 0.5, "3": 1.0}
    assert other.undo() == ("3", None) and project.session("cats").labels == other.labels


def test_an_undo_gives_back_what_was_before(project):
    session = project.session(text="cats")
    before = session.classifier().coef_
    session.score({"0": 1.0})
    session.score({"0": -1.0})
    assert session.undo() == ("0", 1.0)
    assert session.undo() == ("0", None)
    assert session.undo() is None
    assert session.labels == {} and (session.classifier().coef_ == before).all()


def test_what_was_seen_can_be_seen_again(project):
    session = project.session(text="cats")
    first = session.next(5)
    session.score({id: 1.0 for id in first.ids})
    session.reset_seen()
    assert set(session.next(5, "top").ids) & set(first.ids)
    assert len(session.labels) == 5


def test_a_wrong_score_writes_nothing(project):
    session = project.session(text="cats")
    for wrong, exception in [({"0": 1.0, "1": 2.0}, linprobe.InputError), ({"0": 1.0, "x": 1.0}, linprobe.UnknownNameError)]:
        with pytest.raises(exception):
            session.score(wrong)
    with pytest.raises(linprobe.InputError, match="list is no dict of scores"):
        session.score([1.0, -1.0])
    for wrong in (False, np.bool_(True), "1.0", b"1", [1.0]):
        with pytest.raises(linprobe.InputError, match=r"the score of 0 is .*\nhint: \+1\.0 and -1\.0"):
            session.score({"0": wrong})
    for wrong in (0, None):
        with pytest.raises(linprobe.InputError, match="the id of a record is"):
            session.score({wrong: 1.0})
    assert session.labels == {}


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda session: session.look_again(-1), "limit is -1"),
        (lambda session: session.audit(10, seed=-1), "seed is -1"),
        (lambda session: session.audit("10"), "budget is '10'"),
        (lambda session: session.next(True), "k is True"),
        (lambda session: session.next(2**64), "k is 18446744073709551616"),
        (lambda session: session.next(2.0), "k is 2.0"),
        (lambda session: session.next(2, strategy=5), "strategy is 5"),
    ],
)
def test_what_an_argument_cannot_be_is_said_by_its_name(project, ask, said):
    session = project.session(text="cats")
    with pytest.raises(linprobe.InputError, match=said):
        ask(session)
    assert len(session.next(np.int64(2))) == 2


def test_a_start_may_be_examples_a_vector_or_a_filter(project):
    like = project.session("like", examples=["0", project.record("3")], unlike="1")
    assert like.labels == {"0": 1.0, "3": 1.0, "1": -1.0}
    direction = linprobe.Encoder("builtin").embed("trains")
    assert project.session("vector", vector=direction).next(1, "top")[0].label == "trains"
    narrow = project.session("narrow", text="cats", where="label = 'tax'")
    assert {record.label for record in narrow.next(30)} == {"tax"}
    with pytest.raises(linprobe.InputError, match="already"):
        project.session("narrow", text="cats")


def test_advice_thresholds_and_doubts_are_told(project):
    session = project.session(text="cats")
    session.score({str(n): 1.0 if n % 3 == 0 else -1.0 for n in range(12)})
    session.score({"13": 1.0})
    assert session.advice().verdict in {"keep going", "audit now", "you could stop"}
    assert 0 < session.expect("f1").n_above <= 60
    assert session.classifier("count=7").threshold_ > session.classifier("count=30").threshold_
    assert "13" in [id for id, _, _ in session.look_again()]


def test_what_a_notebook_shows_is_well_formed_and_escaped(tmp_path):
    project = linprobe.Project(tmp_path / "project")
    project.index(["<script>alert(1)</script> a cat", "a dog & more"], progress=False)
    session = project.session(text="cats", name="<b>cats</b>")
    round = session.next(2)
    session.score({"0": 1.0, "1": -1.0})
    for shown in (round._repr_html_(), session._repr_html_()):
        assert "<script>" not in shown and "<b>" not in shown
        ElementTree.fromstring(f"<div>{shown}</div>")
    svg = ElementTree.fromstring(session.plot().svg)
    assert svg.tag.endswith("svg")
    session.plot("f1").save(tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")
    assert "Round 1 of 2 records" in repr(round)


def test_what_a_notebook_shows_of_a_project_and_an_audit_counts_and_is_escaped(tmp_path):
    project = linprobe.Project(tmp_path / "a & b")
    assert "records</td><td>0<" in project._repr_html_()
    project.index([f"note {n}" for n in range(30)], labels=["<i>odd</i>" if n % 2 else "even" for n in range(30)], progress=False)
    for n in range(10):
        session = project.session(text="note", name=f"<b>{n}</b>")
    shown = project._repr_html_()
    assert "a &amp; b" in shown and "&lt;i&gt;odd&lt;/i&gt; 15" in shown and "&lt;b&gt;9&lt;/b&gt;" in shown and "and 2 more" in shown
    audit = session.audit(budget=4)
    assert "judged</td><td>0<" in audit._repr_html_() and "precision" not in audit._repr_html_()
    audit.score({record.id: 1.0 for record in audit.open})
    assert "open</td><td>0<" in audit._repr_html_() and "precision" in audit._repr_html_()
    for html in (shown, audit._repr_html_(), project.search(text="note", k=3)._repr_html_()):
        ElementTree.fromstring(f"<div>{html}</div>")


def test_an_audit_measures_and_is_undone_and_learned_from(project):
    session = project.session(text="cats")
    audit = session.audit(budget=30)
    assert audit.report() is None and len(audit.open) == audit.n_drawn == 30
    assert not hasattr(audit.open[0], "score")
    truth = {record.id: say(record) for record in audit.open}
    audit.score(truth)
    last = audit.undo()
    assert [record.id for record in audit.open] == [last]
    audit.score({last: truth[last]})
    report = session.audit_report()
    assert report.n_judged == 30 and report.n_relevant.low <= 20 <= report.n_relevant.high
    assert "n_relevant" in report._repr_html_()
    with pytest.raises(linprobe.UnknownNameError, match="no audit has drawn"):
        audit.score({next(str(n) for n in range(60) if str(n) not in truth): 1.0})
    assert project.audit(session, budget=10).n_drawn == 10
    assert audit.learn() >= 30 and len(session.labels) >= 30
