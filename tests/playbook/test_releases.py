"""Releases: frozen once, checked, published, taken back; two who publish at once; who did what."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from conversations.playbook.content import from_content, to_content
from conversations.playbook.differences import moved_of
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import (
    AuditEntry,
    CheckState,
    Example,
    Fact,
    Intent,
    Publication,
    PublicationKind,
    Release,
    StaleError,
    Verb,
)
from conversations.playbook.reading import current_playbook
from conversations.playbook.releases import (
    ChangeKind,
    Part,
    RefusedError,
    diff,
    freeze,
    live_release,
    mark_checked,
    playbook_of,
    publish,
    publish_first,
    roll_back,
)
from conversations.playbook.starter import load_starter_playbook
from tests.playbook.samples import starter

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> User:
    """The starter playbook, live as release 1, and a person who publishes."""
    load_starter_playbook()
    return User.objects.create_user("ploy", is_staff=True)


def change_answer(text: str = "เปลี่ยนแล้วค่ะ") -> Release:
    """Change an example in the draft and freeze it."""
    first = Example.objects.on()[0]
    first.response = text
    first.save()
    return freeze(author=User.objects.first(), comment="another answer")


def checked(release: Release, *, is_green: bool = True, baseline: int = 1) -> Release:
    mark_checked(release.pk, is_green=is_green, summary={"baseline": baseline})
    return release


def test_the_starter_playbook_is_release_1_and_live(shop: User) -> None:
    release = live_release()
    assert release is not None
    assert (release.number, release.version) == (1, starter().version)
    assert current_playbook().number == 1
    publication = Publication.objects.get()
    assert (publication.kind, publication.previous, publication.by) == (PublicationKind.FIRST, None, None)
    assert publish_first() is None


def test_what_is_frozen_says_what_the_draft_said(shop: User) -> None:
    release = change_answer()
    assert (release.number, release.author_name, release.comment) == (2, "ploy", "another answer")
    assert diff(playbook_of(release), read_draft()) == ()
    assert playbook_of(release).version == release.version == read_draft().version


def test_content_survives_the_way_through_json(shop: User) -> None:
    draft = read_draft()
    again = from_content(to_content(draft), number=7)
    assert (again.version, again.number) == (draft.version, 7)
    assert again.examples[0].id == draft.examples[0].id
    assert isinstance(again.sampling.top_p, float)


def test_content_of_an_older_form_is_read_with_defaults_and_of_a_newer_one_without_the_rest() -> None:
    intent = {"key": "a", "name_th": "ก", "name_en": "A", "belongs": "x", "belongs_not": ""}
    old = from_content({"instruction": "Be kind.", "intents": [intent | {"colour": "red"}], "mood": "good"})
    assert (old.intents[0].needs_person, old.intents[0].profile, old.profiles) == (False, "", ())


def test_freezing_the_same_twice_gives_the_same_release(shop: User) -> None:
    before = change_answer("หนึ่งค่ะ")
    again = freeze(author=None, comment="a second time")
    assert (again.pk, again.comment) == (before.pk, "another answer")
    change_answer("สองค่ะ")
    assert change_answer("หนึ่งค่ะ").pk == before.pk
    assert Release.objects.count() == 3


def test_a_release_that_passed_is_published_with_who_and_why(shop: User) -> None:
    release = checked(change_answer())
    publication = publish(release, by=shop, reason="14 days", over=1)
    assert (publication.kind, publication.by_name, publication.reason) == (PublicationKind.PUBLISH, "ploy", "14 days")
    assert current_playbook().number == 2
    assert [entry.verb for entry in AuditEntry.objects.about("release", release.pk)] == [
        Verb.PUBLISH,
        Verb.CHECK,
        Verb.FREEZE,
    ]


@pytest.mark.parametrize("is_red", [True, False])
def test_without_a_passed_check_a_reason_is_needed_and_kept(shop: User, is_red: bool) -> None:  # noqa: FBT001 - a test's parameter
    release = change_answer()
    if is_red:
        checked(release, is_green=False)
    with pytest.raises(RefusedError, match="reason" if is_red else "not checked"):
        publish(release, by=shop, reason=" ")
    assert current_playbook().number == 1
    publish(release, by=shop, reason="the shop is flooded")
    assert Publication.objects.first() == Publication.objects.get(kind=PublicationKind.OVERRIDE)
    assert AuditEntry.objects.latest("pk").reason == "the shop is flooded"


def test_a_check_against_a_release_that_is_live_no_more_does_not_count(shop: User) -> None:
    second, third = checked(change_answer("สองค่ะ")), checked(change_answer("สามค่ะ"))
    publish(second, by=shop)
    with pytest.raises(RefusedError, match="Check it again"):
        publish(third, by=shop)
    publish(checked(third, baseline=2), by=shop)
    assert current_playbook().number == 3


def test_rolling_back_takes_one_step_and_needs_no_check(shop: User) -> None:
    first = live_release()
    assert first is not None
    publish(checked(change_answer()), by=shop)
    roll_back(to=first, by=shop, reason="customers complain")
    assert current_playbook().number == 1
    last = Publication.objects.first()
    assert last is not None
    assert (last.kind, last.release.number, last.by_name) == (PublicationKind.ROLLBACK, 1, "ploy")
    with pytest.raises(RefusedError, match="live already"):
        roll_back(to=first, by=shop)


def test_what_was_never_live_cannot_be_rolled_back_to(shop: User) -> None:
    with pytest.raises(RefusedError, match="never live"):
        roll_back(to=change_answer(), by=shop)


def test_who_decided_before_another_release_went_live_is_told(shop: User) -> None:
    second, third = checked(change_answer("สองค่ะ")), checked(change_answer("สามค่ะ"))
    publish(second, by=shop, over=1)
    with pytest.raises(RefusedError, match="release 2 is live now"):
        publish(third, by=shop, over=1)
    assert Release.objects.filter(number=3).exists()


def test_there_can_be_one_live_release_only(shop: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Release.objects.filter(pk=change_answer().pk).update(is_live=True)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run all at the same moment, each on a connection of its own; return what each returned or raised."""
    barrier, results = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - what it raises is the result
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_of_two_who_publish_at_the_same_moment_one_wins_and_the_other_is_told(shop: User, attempt: int) -> None:
    second, third = checked(change_answer("สองค่ะ")), checked(change_answer("สามค่ะ"))
    results = at_once(*(lambda each=each: publish(each, by=shop, over=1) for each in (second, third)))
    won = [each for each in results if isinstance(each, Publication)]
    lost = [each for each in results if isinstance(each, RefusedError)]
    assert (len(won), len(lost)) == (1, 1), results
    assert f"release {won[0].release.number} is live now" in str(lost[0])
    assert Release.objects.live().get() == won[0].release
    assert Release.objects.count() == 3
    assert Publication.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_drafts_frozen_at_the_same_moment_are_one_release(shop: User) -> None:
    Example.objects.filter(pk=Example.objects.on()[0].pk).update(response="สองค่ะ")
    results: list[Any] = at_once(*(lambda: freeze(author=shop) for _ in range(4)))
    assert {each.number for each in results} == {2}


def test_a_save_over_somebody_elses_newer_one_is_refused(shop: User) -> None:
    mine, theirs = Fact.objects.all()[0], Fact.objects.all()[0]
    theirs.text_th = "ของเขา"
    theirs.save()
    mine.text_th = "ของฉัน"
    with pytest.raises(StaleError):
        mine.save()
    assert Fact.objects.get(pk=mine.pk).text_th == "ของเขา"
    theirs.save()


def test_a_bulk_update_counts_as_a_newer_edit(shop: User) -> None:
    mine = Fact.objects.all()[0]
    Fact.objects.update(is_on=True)
    mine.save()
    Fact.objects.update(is_on=False)
    with pytest.raises(StaleError):
        mine.save()


def test_a_diff_says_what_was_added_removed_changed_and_moved() -> None:
    old = starter()
    examples = (old.examples[1], old.examples[0], replace(old.examples[2], response="ปิดค่ะ"), *old.examples[4:])
    extra = replace(old.examples[3], customer_text="มีของแถมไหมคะ")
    new = from_content(to_content(replace(old, examples=(*examples, extra), facts=old.facts[1:], profile="chat")))
    found = [(change.part, change.kind, change.name) for change in diff(old, new)]
    assert found == [
        (Part.INSTRUCTION, ChangeKind.CHANGED, ""),
        (Part.FACT, ChangeKind.REMOVED, old.facts[0].title),
        (Part.EXAMPLE, ChangeKind.REMOVED, old.examples[3].customer_text),
        (Part.EXAMPLE, ChangeKind.MOVED, old.examples[1].customer_text),
        (Part.EXAMPLE, ChangeKind.CHANGED, old.examples[2].customer_text),
        (Part.EXAMPLE, ChangeKind.ADDED, "มีของแถมไหมคะ"),
    ]
    field = diff(old, new)[4].fields[0]
    assert (field.field, field.old, field.new) == ("response", old.examples[2].response, "ปิดค่ะ")


def test_a_reworded_example_is_a_change_of_itself_not_a_removal_and_an_addition(shop: User) -> None:
    entry = Example.objects.on()[0]
    Example.objects.filter(pk=entry.pk).update(customer_text="เขียนใหม่ทั้งหมดค่ะ")
    assert [(each.kind, each.id) for each in diff(current_playbook(), read_draft())] == [(ChangeKind.CHANGED, entry.pk)]


def test_an_intent_that_is_switched_off_takes_its_examples_out_of_the_release(shop: User) -> None:
    Intent.objects.filter(key="คืนสินค้า").update(is_on=False)
    gone = [change for change in diff(current_playbook(), read_draft()) if change.kind == ChangeKind.REMOVED]
    assert len(gone) == 1 + Example.objects.filter(intent__key="คืนสินค้า").count()


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        ([0, 1, 2, 3], set()),
        ([1, 0], {1}),
        ([3, 0, 1, 2], {0}),
        ([0, None, 1], set()),
        ([2, 1, 0], {1, 2}),
        ([], set()),
    ],
)
def test_as_few_as_possible_count_as_moved(places: list[int | None], moved: set[int]) -> None:
    found = moved_of(places)
    assert len(found) == len(moved)
    kept = [place for number, place in enumerate(places) if place is not None and number not in found]
    assert kept == sorted(kept)


def test_a_release_is_unchecked_until_somebody_looked(shop: User) -> None:
    release = change_answer()
    assert release.check_state == CheckState.UNCHECKED
    checked(release, is_green=False)
    release.refresh_from_db()
    assert (release.check_state, release.check_summary) == (CheckState.RED, {"baseline": 1})
