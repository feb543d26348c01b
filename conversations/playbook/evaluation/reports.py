"""A run's report for machines: JSON with all of it, JUnit XML for build servers."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import orjson

from conversations.playbook.evaluation.finishing import Asked, read_asked
from conversations.playbook.evaluation.gate import Finding, Group, Judgment
from conversations.playbook.models import EvaluationResult, EvaluationRun
from conversations.playbook.models.evaluation import Arm, Change

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAME_CHARS: Final = 120


def asked_of(run: EvaluationRun) -> list[Asked]:
    """Return the run's cases with their answers."""
    return read_asked(run, EvaluationResult.objects.filter(item__run=run).order_by("item_id", "arm", "sample"))


def json_report(run: EvaluationRun) -> bytes:
    """Return everything that is known of a run."""
    report = {
        "run": run.pk,
        "release": run.release.number,
        "baseline": run.baseline.number if run.baseline else None,
        "model": run.model.name if run.model else None,
        "sets": run.set_names,
        "samples": run.samples,
        "state": run.state,
        "verdict": run.verdict,
        "problem": run.problem,
        "decides_on_publishing": run.is_check,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "gate": run.judgment,
        "figures": run.figures,
        "cases": [case_report(asked) for asked in asked_of(run)],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def case_report(asked: Asked) -> dict[str, Any]:
    """Return what is known of a case."""
    item = asked.item
    answers = {str(arm): [answer_report(each) for each in told] for arm, told in asked.answers.items()}
    return {
        "number": item.number,
        "set": item.set_name,
        "change": item.change,
        "good": {"new": [item.new_good, item.new_told], "old": [item.old_good, item.old_told]},
        "case": item.content,
        "answers": answers,
    }


def answer_report(result: EvaluationResult) -> dict[str, Any]:
    """Return what is known of an answer."""
    return {
        "sample": result.sample,
        "is_good": result.is_good,
        "failed": result.failed,
        "outcome": result.outcome,
        "intent": result.intent,
        "escalate": result.escalate,
        "action_required": result.action_required,
        "response": result.response,
        "first_token_ms": result.first_token_ms,
        "total_ms": result.total_ms,
        "cost": None if result.cost is None else f"{result.cost:f}",
        "currency": result.currency,
    }


def junit_report(run: EvaluationRun) -> bytes:
    """Return the run as JUnit XML: the gate's groups, and each case. Only what stops a release is a failure.

    A case that went worse by chance, or that went wrong before too, is no regression; it is written down all the same.
    """
    root = Element("testsuites", name=f"csbot evaluation {run.pk}: release {run.release.number}")
    judgment = Judgment.from_json(run.judgment) if run.judgment else None
    add_suite(root, "gate", list(gate_cases(judgment)))
    lost = {loss.intent for loss in judgment.losses} if judgment else set()
    lost_groups = {loss.group for loss in judgment.losses} if judgment else set()
    by_set: defaultdict[str, list[Element]] = defaultdict(list)
    for asked in asked_of(run):
        is_in_loss = lost_groups - {Group.INTENT} or asked.item.intent in lost
        by_set[asked.item.set_name].append(case_element(asked, is_in_loss=bool(is_in_loss)))
    for name, cases in by_set.items():
        add_suite(root, name, cases)
    indent(root)
    whole: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def add_suite(root: Element, name: str, cases: Sequence[Element]) -> None:
    """Add a suite with its counts."""
    failures = sum(case.find("failure") is not None for case in cases)
    suite = SubElement(root, "testsuite", name=plain(name), tests=str(len(cases)), failures=str(failures))
    suite.extend(cases)


def gate_cases(judgment: Judgment | None) -> Iterator[Element]:
    """Yield a test for each group that the gate looks at."""
    for finding in judgment.findings if judgment else ():
        case = Element("testcase", classname="gate", name=plain(name_of(finding)))
        if finding.is_loss:
            SubElement(case, "failure", message=words_on(finding))
        else:
            SubElement(case, "system-out").text = words_on(finding)
        yield case


def name_of(finding: Finding) -> str:
    """Return what a group is called."""
    return f"intent {finding.intent}" if finding.group is Group.INTENT else finding.group.value


def words_on(finding: Finding) -> str:
    """Return what the gate found out about a group."""
    return (
        f"{finding.old:.1%} -> {finding.new:.1%} of {finding.cases} cases "
        f"({-finding.lost_cases:+.1f} cases, p = {finding.p_value:.2g})"
    )


def case_element(asked: Asked, *, is_in_loss: bool) -> Element:
    """Return a case as a test."""
    item = asked.item
    name = f"{item.number}: {' '.join(asked.case.question.split())[:NAME_CHARS]}"
    case = Element("testcase", classname=plain(item.set_name), name=plain(name), time=seconds_of(asked))
    said = f"good answers: {item.new_good} of {item.new_told}; before {item.old_good} of {item.old_told}"
    if item.change == Change.WORSE and is_in_loss:
        SubElement(case, "failure", message=said).text = plain("\n".join(wrongs_of(asked)))
    elif not item.new_told:
        SubElement(case, "skipped", message="no answer")
    else:
        SubElement(case, "system-out").text = plain("\n".join((said, *wrongs_of(asked))))
    return case


def wrongs_of(asked: Asked) -> Iterator[str]:
    """Yield what was wrong with each answer of the new release."""
    for result in asked.answers.get(Arm.NEW, ()):
        if not result.is_good:
            yield f"answer {result.sample + 1} ({', '.join(result.failed)}): {result.response or result.outcome}"


def seconds_of(asked: Asked) -> str:
    """Return how long the new release's answers took together."""
    return f"{sum(result.total_ms or 0 for result in asked.answers.get(Arm.NEW, ())) / 1000:.3f}"


def plain(text: str) -> str:
    """Return a text without what XML can't hold."""
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
