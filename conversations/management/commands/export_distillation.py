"""`manage.py export_distillation DIRECTORY`: write approved turns as training data for a model of one's own."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from conversations.answers.student.export.exporting import Export, Wish, make_export, note_export


class Command(BaseCommand):
    """Writes JSON lines that TRL reads as they are, and a data card. Nothing is written over."""

    help = "Write approved turns, masked and split by customer, as training data (TRL messages, preference pairs)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add where to, and what may be chosen."""
        parser.add_argument("directory", type=Path, help="a new or empty directory")
        parser.add_argument("--no-few-shot", action="store_true", help="only rows without the playbook's examples")
        parser.add_argument(
            "--allow-provider",
            action="append",
            default=[],
            metavar="NAME",
            help="export this provider's answers too: you have read its terms, or its model's licence",
        )

    def handle(self, *, directory: Path, no_few_shot: bool, allow_provider: list[str], **_options: object) -> None:
        """Write the files."""
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise CommandError(f"{directory} is there already and not an empty directory")
        export = make_export(Wish(with_examples=not no_few_shot, allowed_providers=allow_provider))
        if not export.turns:
            raise CommandError(f"nothing to export; left out: {export.card['left_out'] or 'nothing'}")
        directory.mkdir(parents=True, exist_ok=True)
        for file in export.files:
            (directory / file.name).write_bytes(file.content)
        note_export(export, by=None)
        self.tell(export)

    def tell(self, export: Export) -> None:
        """Print what was written, and what was left out and why."""
        for file in export.files:
            self.stdout.write(f"{file.name}: {file.rows} rows" if file.rows else file.name)
        for reason, count in export.card["left_out"].items():
            self.stdout.write(f"left out, {reason}: {count}")
        for name, terms in export.card["terms"].items():
            self.stdout.write(f"{name}: training {terms['training']}")
