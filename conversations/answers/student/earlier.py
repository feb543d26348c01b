"""Artefacts of form 1: grams as text, weights as half floats, how much the readings count as one number.

They are put into today's form while they are read, so that the student at work goes on working when csbot is renewed.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from conversations.answers.student.grams import Keys, key_of_characters, key_of_words
from conversations.answers.student.reading import in_steps
from conversations.answers.student.tensors import Arrays, ArtefactError

FORMAT: Final = 1
TODAY: Final = 2
WORD_MARK: Final = "\x01"
"""Began the name of a run of words."""
KINDS: Final = {"grams": "u", "rarity": "f", "table": "f", "bias": "f", "output": "f", "output_bias": "f"}


def is_earlier(words: str) -> bool:
    """Whether an artefact says of itself that it is of form 1."""
    about = read(words)
    return about is not None and about.get("format") == FORMAT


def read(words: str) -> dict[str, Any] | None:
    """Return what an artefact says of itself, or None where that is nothing."""
    try:
        about = orjson.loads(words)
    except orjson.JSONDecodeError:
        return None
    return about if isinstance(about, dict) else None


def in_todays_form(arrays: Arrays, words: str) -> tuple[Arrays, str]:
    """Return the arrays and words as form 2 has them, to be checked as such. Raises ArtefactError."""
    about = read(words) or {}
    if any(name not in arrays or arrays[name].dtype.kind != kind for name, kind in KINDS.items()):
        raise ArtefactError("not a student")
    try:
        keys = np.array([key_of(gram) for gram in texts(arrays["grams"])], np.uint64)
        scale = float(about.pop("linear_scale"))
        rules = {name: about.pop(name) for name in ("trust", "sure_from", "action_from", "escalate_from")}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ArtefactError("not a student") from error
    table = arrays["table"]
    if table.ndim != len(("grams", "columns")) or arrays["rarity"].shape != keys.shape or len(table) != len(keys):
        raise ArtefactError("the arrays don't fit together")
    if not np.isfinite(table).all():
        raise ArtefactError("not all weights are numbers")
    order, whole, steps = first_places(keys), *in_steps(table.astype(np.float32))
    kept = {name: arrays[name] for name in ("bias", "output", "output_bias")}
    today = {"keys": keys[order], "rarity": arrays["rarity"][order], "table": whole[order], "steps": steps, **kept}
    about |= {"format": TODAY, "rules": {"scales": [scale / 2, 0.5], **rules}}
    return today, orjson.dumps(about).decode()


def texts(data: NDArray[Any]) -> Sequence[str]:
    """Return the grams, which stand a line each."""
    return data.tobytes().decode("utf-8", "surrogatepass").split("\n")


def key_of(gram: str) -> int:
    """Return the key by which a gram is known today."""
    if gram.startswith(WORD_MARK):
        return key_of_words(gram.removeprefix(WORD_MARK).split(" "))
    return key_of_characters(gram)


def first_places(keys: Keys) -> NDArray[np.intp]:
    """Return where each key stands first, in the keys' order."""
    return np.unique(keys, return_index=True)[1]
