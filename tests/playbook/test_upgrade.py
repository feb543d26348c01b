"""An installation from before releases keeps what it says: the sampling becomes a profile, the tables release 1."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from conversations.playbook.models import Instruction, Profile, Release
from conversations.playbook.reading import current_playbook
from conversations.playbook.releases import publish_first

BEFORE = [("conversations", "0005_ids_of_what_agents_write")]


def test_the_shops_sampling_and_words_are_live_as_release_1(transactional_db: None) -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes("conversations")
    executor.migrate(BEFORE)
    older = executor.loader.project_state(BEFORE).apps
    older.get_model("conversations", "Instruction").objects.create(text="Be kind.", temperature=0.7)
    intent = older.get_model("conversations", "Intent").objects.create(
        key="จัดส่ง", name_th="จัดส่ง", name_en="Shipping", belongs="Parcels"
    )
    older.get_model("conversations", "Example").objects.create(customer_text="ก", intent=intent, response="ข")
    MigrationExecutor(connection).migrate(newest)
    instruction = Instruction.objects.get()
    assert instruction.profile is not None
    assert (instruction.profile.key, instruction.profile.temperature) == ("usual", 0.7)
    assert {"chat", "fewshot_json", "precise", "reasoning"} <= set(Profile.objects.values_list("key", flat=True))
    publish_first()
    playbook = current_playbook()
    assert (playbook.number, playbook.sampling.temperature) == (1, 0.7)
    assert playbook.examples[0].is_pinned


def test_prepare_publishes_what_the_tables_say_once(transactional_db: None, capsys: pytest.CaptureFixture[str]) -> None:
    Instruction.objects.create(text="Be kind.")
    call_command("prepare")
    call_command("prepare")
    assert capsys.readouterr().out.count("release 1 published") == 1
    assert Release.objects.get().is_live
