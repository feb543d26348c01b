"""`manage.py evaluate`: what it asks, what it writes, and how it ends."""

from io import StringIO
from pathlib import Path
from xml.etree.ElementTree import Element, parse

import orjson
import pytest
from django.core.management import CommandError, call_command

from conversations.playbook.evaluation.claiming import claim
from conversations.playbook.evaluation.starting import start_check
from conversations.playbook.models import CheckState, EvaluationRun, EvaluationSet, Release
from conversations.playbook.models.evaluation import RunState
from tests.evaluation.conftest import RETURN


def evaluate(*words: str) -> tuple[int, str]:
    """Return how the command ended, and what it said."""
    said = StringIO()
    try:
        call_command("evaluate", *words, stdout=said)
    except CommandError as error:
        return error.returncode, said.getvalue() + str(error)
    return 0, said.getvalue()


def root_of(junit: Path) -> Element:
    """Return what a build server would read."""
    return parse(junit).getroot()  # noqa: S314 - our own file


def test_a_draft_that_is_as_good_ends_well(shop: Release, cases: EvaluationSet) -> None:
    code, said = evaluate()
    assert (code, "better: 0 cases, worse: 0" in said) == (0, True)
    shop.refresh_from_db()
    assert shop.check_state == CheckState.GREEN


def test_a_regression_ends_with_1_and_is_told_to_people_and_machines(broken_returns: Release, tmp_path: Path) -> None:
    junit, report = tmp_path / "report.xml", tmp_path / "report.json"
    code, said = evaluate(str(broken_returns.number), "--junit", str(junit), "--json", str(report))
    assert code == 1
    assert f"LOST  intent {RETURN}: 100.0% -> 0.0% of 5 cases" in said
    assert "คืนของได้กี่วัน" in said

    found = orjson.loads(report.read_bytes())
    assert (found["release"], found["baseline"], found["verdict"]) == (broken_returns.number, 1, "red")
    worse = [case for case in found["cases"] if case["change"] == "worse"]
    assert len(worse) == 5
    assert {answer["intent"] for case in worse for answer in case["answers"]["old"]} == {RETURN}
    assert all(answer["failed"] == ["intent"] for case in worse for answer in case["answers"]["new"])

    suites = {suite.get("name"): suite for suite in root_of(junit)}
    assert suites["ten questions"].get("tests") == "10"
    assert suites["ten questions"].get("failures") == "5"
    gate = {case.get("name"): case.find("failure") is not None for case in suites["gate"]}
    assert gate == {"all": True, "valid": False, f"intent {RETURN}": True, "intent จัดส่ง": False, "intent อื่นๆ": False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("99",), "no release 99"),
        (("draft", "--baseline", "x"), "no release x"),
        (("draft", "--set", "nothing"), "no case set nothing"),
        (("draft", "--model", "nobody"), "no model nobody"),
        (("draft", "--samples", "0"), "--samples must be"),
    ],
)
def test_what_is_not_there_ends_with_2(shop: Release, cases: EvaluationSet, words: tuple[str, ...], said: str) -> None:
    code, told = evaluate(*words)
    assert (code, said in told) == (2, True)
    assert not EvaluationRun.objects.exists()


def test_without_cases_it_ends_with_2(shop: Release) -> None:
    EvaluationSet.objects.all().delete()
    assert evaluate()[0] == 2


def test_it_waits_for_its_turn(shop: Release, cases: EvaluationSet, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way = start_check(shop, by=None)
    assert claim(under_way.pk, worker="somebody")

    def soon(_seconds: float) -> None:
        EvaluationRun.objects.filter(pk=under_way.pk).update(state=RunState.CANCELLED)

    monkeypatch.setattr("conversations.management.commands.evaluate.time.sleep", soon)
    assert evaluate("live", "--samples", "1")[0] == 0
    assert EvaluationRun.objects.filter(state=RunState.DONE).count() == 1


def test_hostile_words_make_a_well_formed_report(shop: Release, cases: EvaluationSet, tmp_path: Path) -> None:
    cases.cases.exclude(question="สวัสดีค่ะ").delete()
    cases.cases.update(question='<script>]]>&\x01"สวัสดีค่ะ')
    junit = tmp_path / "report.xml"
    evaluate("live", "--baseline", "none", "--junit", str(junit), "--samples", "1")
    assert "<script>]]>&\N{REPLACEMENT CHARACTER}" in str(root_of(junit)[1][0].get("name"))
