"""A student as bytes, and back. What is read is data, checked before it is used; no code can come along.

Form 2. What form 1 holds (grams as text, weights as half floats, no reading of vectors) is understood: see `earlier`.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.answers.student import earlier
from conversations.answers.student.reading import EVIDENCE, FLAGS, Calibration, Sense, Student, Weights
from conversations.answers.student.tensors import Arrays, ArtefactError, pack, unpack
from conversations.answers.student.vectors import Vocabulary

FORMAT: Final = 2
MAX_INTENTS: Final = 2000
MAX_READINGS: Final = 3
GRAM_READINGS: Final = 2
FLOATS: Final = ("rarity", "steps", "bias", "output", "output_bias")
SENSE_FLOATS: Final = ("sense_table", "sense_bias", "sense_output", "sense_output_bias")


class Rules(BaseModel):
    """A calibration, as an artefact tells it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    scales: list[float] = Field(min_length=GRAM_READINGS, max_length=MAX_READINGS)
    trust: list[float] = Field(min_length=EVIDENCE, max_length=EVIDENCE)
    sure_from: float
    action_from: float
    escalate_from: float


class About(BaseModel):
    """What an artefact says of itself. `encoder`: whose vectors it can read; "" for nobody's."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: int
    intents: list[str] = Field(min_length=2, max_length=MAX_INTENTS)
    rules: Rules
    encoder: str = ""
    sense_rules: Rules | None = None


def to_artefact(student: Student) -> bytes:
    """Return the student as bytes; the same student gives the same bytes."""
    weights, sense = student.weights, student.sense
    about = About(
        format=FORMAT,
        intents=list(student.intents),
        rules=rules_of(student.calibration),
        encoder=sense.encoder if sense else "",
        sense_rules=rules_of(sense.calibration) if sense else None,
    )
    arrays: Arrays = {
        "keys": student.vocabulary.keys,
        "rarity": student.vocabulary.rarity,
        "table": weights.table,
        "steps": weights.steps,
        "bias": weights.bias,
        "output": weights.output,
        "output_bias": weights.output_bias,
    }
    if sense:
        arrays |= dict(zip(SENSE_FLOATS, (sense.table, sense.bias, sense.output, sense.output_bias), strict=True))
    return pack(arrays, metadata={"student": orjson.dumps(about.model_dump()).decode()})


def rules_of(calibration: Calibration) -> Rules:
    """Return a calibration as an artefact tells it."""
    return Rules(
        scales=list(calibration.scales),
        trust=list(calibration.trust),
        sure_from=calibration.sure_from,
        action_from=calibration.action_from,
        escalate_from=calibration.escalate_from,
    )


def calibration_of(rules: Rules) -> Calibration:
    """Return what an artefact tells as a calibration. Raises ArtefactError."""
    numbers = (*rules.scales, *rules.trust, rules.sure_from, rules.action_from, rules.escalate_from)
    if not np.isfinite(numbers).all():
        raise ArtefactError("not all weights are numbers")
    return Calibration(tuple(rules.scales), tuple(rules.trust), rules.sure_from, rules.action_from, rules.escalate_from)


def from_artefact(data: bytes) -> Student:
    """Return the student in these bytes. Raises ArtefactError."""
    arrays, metadata = unpack(data)
    words = metadata.get("student", "")
    if earlier.is_earlier(words):
        arrays, words = earlier.in_todays_form(arrays, words)
    try:
        about = About.model_validate_json(words)
        vocabulary = Vocabulary(arrays["keys"], arrays["rarity"])
        weights = Weights(*(arrays[name] for name in ("table", "steps", "bias", "output", "output_bias")))
        check(about, arrays)
        sense = sense_of(about, arrays)
    except (ValidationError, KeyError) as error:
        raise ArtefactError("not a student") from error
    return Student(tuple(about.intents), vocabulary, weights, calibration_of(about.rules), sense)


def sense_of(about: About, arrays: Mapping[str, NDArray[Any]]) -> Sense | None:
    """Return the reading of vectors, if there is one. Raises ArtefactError, KeyError."""
    if not about.encoder and about.sense_rules is None:
        return None
    table, bias, output, output_bias = (arrays[name] for name in SENSE_FLOATS)
    hidden = len(bias) if bias.ndim == 1 else 0
    shapes = (table.shape[1:], bias.shape, output.shape, output_bias.shape)
    intents = len(about.intents)
    rules = about.sense_rules
    if shapes != ((hidden,), (hidden,), (hidden, intents), (intents,)) or rules is None or not about.encoder:
        raise ArtefactError("the arrays don't fit together")
    if len(rules.scales) != MAX_READINGS:
        raise ArtefactError("the readings and how much they count don't fit together")
    check_numbers(arrays, SENSE_FLOATS)
    return Sense(about.encoder, table, bias, output, output_bias, calibration_of(rules))


def check(about: About, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise ArtefactError unless everything fits together and is a number; KeyError where something is missing."""
    intents, grams = len(about.intents), len(arrays["keys"])
    hidden = arrays["output"].shape[0] if arrays["output"].ndim else 0
    columns = intents + FLAGS + hidden
    wanted = {
        "keys": (grams,),
        "rarity": (grams,),
        "table": (grams, columns),
        "steps": (columns,),
        "bias": (columns,),
        "output": (hidden, intents),
        "output_bias": (intents,),
    }
    if about.format != FORMAT or len(set(about.intents)) != intents or len(about.rules.scales) != GRAM_READINGS:
        raise ArtefactError("another format")
    if not grams or any(arrays[name].shape != shape for name, shape in wanted.items()):
        raise ArtefactError("the arrays don't fit together")
    if arrays["table"].dtype != np.int8 or arrays["keys"].dtype != np.uint64:
        raise ArtefactError("the arrays are of another kind")
    if (arrays["keys"][1:] <= arrays["keys"][:-1]).any():
        raise ArtefactError("the grams aren't in order")
    check_numbers(arrays, FLOATS)


def check_numbers(arrays: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> None:
    """Raise ArtefactError unless these arrays hold nothing but numbers."""
    if not all(arrays[name].dtype.kind == "f" and np.isfinite(arrays[name]).all() for name in names):
        raise ArtefactError("not all weights are numbers")
