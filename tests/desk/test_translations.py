"""Every word of the app has its Thai: extracted here from code and templates, so that no tool need be installed."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation.template import templatize

HOME: Final = Path(settings.BASE_DIR)
CATALOGUE: Final = HOME / "conversations/locale/th/LC_MESSAGES"
MARKERS: Final = frozenset({"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"})
QUOTED: Final = r"""u'(?:[^'\\]|\\.)*'|u"(?:[^"\\]|\\.)*\""""
TEMPLATE_WORDS: Final = re.compile(rf"gettext\(({QUOTED})(?:, ({QUOTED}))?")
PO_ENTRY: Final = re.compile(r'^(msgid|msgid_plural|msgstr)(?:\[\d+\])? ((?:"(?:[^"\\]|\\.)*"\n?)+)', re.MULTILINE)


def words_in_code(path: Path) -> Iterator[str]:
    """Yield what a module marks as translatable."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for argument in node.args if name in MARKERS else []:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def words_in_template(path: Path) -> Iterator[str]:
    """Yield what a template marks as translatable."""
    # Django's own reading of a template, as its makemessages does it: words become calls of gettext.
    for match in TEMPLATE_WORDS.finditer(templatize(path.read_text())):
        yield from (ast.literal_eval(group) for group in match.groups() if group)


def all_words() -> dict[str, str]:
    """Return every translatable text with the file it stands in."""
    words: dict[str, str] = {}
    for folder in ("conversations", "csbot"):
        for path in (HOME / folder).rglob("*.py"):
            if "migrations" not in path.parts:
                words |= dict.fromkeys(words_in_code(path), str(path.relative_to(HOME)))
    for path in (HOME / "templates").rglob("*.html"):
        words |= dict.fromkeys(words_in_template(path), str(path.relative_to(HOME)))
    return words


def compiled() -> dict[str, str]:
    """Return what the compiled catalogue translates; of plurals the first form, which is Thai's only one."""
    with (CATALOGUE / "django.mo").open("rb") as file:
        catalogue = vars(gettext.GNUTranslations(file))["_catalog"]
    words = ((key[0] if isinstance(key, tuple) else key, text) for key, text in catalogue.items())
    # What stands before the sign is the context in which the word means this.
    return {key.rpartition("\x04")[2]: text for key, text in words}


def unquoted(lines: str) -> str:
    """Return the text of a PO string."""
    return "".join(ast.literal_eval(line) for line in lines.strip().splitlines())


def written() -> dict[str, str]:
    """Return what the catalogue's source says."""
    entries: dict[str, str] = {}
    key = ""
    for kind, lines in PO_ENTRY.findall((CATALOGUE / "django.po").read_text()):
        if kind == "msgid":
            key = unquoted(lines)
        elif kind == "msgstr":
            entries[key] = unquoted(lines)
    return entries


def test_every_word_has_its_thai() -> None:
    translated = compiled()
    missing = {word: path for word, path in all_words().items() if word not in translated and not is_plural_form(word)}
    assert missing == {}


def is_plural_form(word: str) -> bool:
    """Whether the word is the second form of a plural, which Thai doesn't have."""
    source = (CATALOGUE / "django.po").read_text()
    return any(unquoted(lines) == word for kind, lines in PO_ENTRY.findall(source) if kind == "msgid_plural")


def test_nothing_is_half_translated() -> None:
    source = (CATALOGUE / "django.po").read_text()
    assert "#, fuzzy" not in source
    assert [word for word, thai in written().items() if not thai] == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    source = {word: thai for word, thai in written().items() if word}
    assert source == {word: thai for word, thai in compiled().items() if word}


def test_placeholders_survive_translation() -> None:
    holes = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
    wrong = [word for word, thai in written().items() if sorted(holes.findall(word)) != sorted(holes.findall(thai))]
    assert wrong == []


def test_thai_is_in_thai() -> None:
    thai_letters = re.compile(r"[\u0e00-\u0e7f]")
    names = {"csbot", "DeepSeek", "OpenAI", "top p"}
    assert [
        word for word, thai in written().items() if word and word not in names and not thai_letters.search(thai)
    ] == []
