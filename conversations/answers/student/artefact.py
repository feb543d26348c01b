"""A student as bytes, and back. What is read is data, checked before it is used; no code can come along."""

from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.answers.student.reading import EVIDENCE, FLAGS, Calibration, Student, Weights
from conversations.answers.student.tensors import Arrays, ArtefactError, pack, unpack
from conversations.answers.student.vectors import Vocabulary, from_bytes, to_bytes

FORMAT: Final = 1
MAX_INTENTS: Final = 2000


class About(BaseModel):
    """What an artefact says of itself."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: int
    intents: list[str] = Field(min_length=2, max_length=MAX_INTENTS)
    linear_scale: float = Field(allow_inf_nan=False)
    trust: list[float] = Field(min_length=EVIDENCE, max_length=EVIDENCE)
    sure_from: float = Field(allow_inf_nan=False)
    action_from: float = Field(allow_inf_nan=False)
    escalate_from: float = Field(allow_inf_nan=False)


def to_artefact(student: Student) -> bytes:
    """Return the student as bytes; the same student gives the same bytes."""
    rules, weights = student.calibration, student.weights
    about = About(
        format=FORMAT,
        intents=list(student.intents),
        linear_scale=rules.linear_scale,
        trust=list(rules.trust),
        sure_from=rules.sure_from,
        action_from=rules.action_from,
        escalate_from=rules.escalate_from,
    )
    arrays: Arrays = {
        "grams": to_bytes(student.vocabulary.grams),
        "rarity": student.vocabulary.rarity,
        "table": weights.table,
        "bias": weights.bias,
        "output": weights.output,
        "output_bias": weights.output_bias,
    }
    return pack(arrays, metadata={"student": orjson.dumps(about.model_dump()).decode()})


def from_artefact(data: bytes) -> Student:
    """Return the student in these bytes. Raises ArtefactError."""
    arrays, metadata = unpack(data)
    try:
        about = About.model_validate_json(metadata.get("student", ""))
        grams = from_bytes(arrays["grams"])
        weights = Weights(arrays["table"], arrays["bias"], arrays["output"], arrays["output_bias"])
        vocabulary = Vocabulary(grams, arrays["rarity"])
    except (ValidationError, KeyError, UnicodeDecodeError) as error:
        raise ArtefactError("not a student") from error
    check(about, vocabulary, weights)
    rules = Calibration(about.linear_scale, tuple(about.trust), about.sure_from, about.action_from, about.escalate_from)
    return Student(tuple(about.intents), vocabulary, weights, rules)


def check(about: About, vocabulary: Vocabulary, weights: Weights) -> None:
    """Raise ArtefactError unless everything fits together and is a number."""
    intents = len(about.intents)
    hidden = weights.output.shape[0] if weights.output.ndim else 0
    columns = intents + FLAGS + hidden
    shapes = (weights.table.shape, weights.bias.shape, weights.output.shape, weights.output_bias.shape)
    wanted = ((len(vocabulary.grams), columns), (columns,), (hidden, intents), (intents,))
    if about.format != FORMAT or len(set(about.intents)) != intents:
        raise ArtefactError("another format")
    if shapes != wanted or vocabulary.rarity.shape != (len(vocabulary.grams),):
        raise ArtefactError("the arrays don't fit together")
    arrays: tuple[NDArray[Any], ...] = (*astuple_of(weights), vocabulary.rarity)
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays):
        raise ArtefactError("not all weights are numbers")


def astuple_of(weights: Weights) -> tuple[NDArray[Any], ...]:
    """Return the arrays of the weights, without copies."""
    return weights.table, weights.bias, weights.output, weights.output_bias
