"""A student as bytes: the same again, or an ArtefactError, whatever the bytes are; never code."""

import pickle
import struct
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from conversations.answers.student.artefact import from_artefact, to_artefact
from conversations.answers.student.reading import Student
from conversations.answers.student.tensors import ArtefactError, pack, unpack
from tests.student.samples import rows


class Bomb:
    """What a pickle could do."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("code of an artefact was run",))


def changed_about(data: bytes, **changes: object) -> bytes:
    """Return an artefact that says something else of itself."""
    arrays, metadata = unpack(data)
    about = orjson.loads(metadata["student"]) | changes
    return pack(arrays, metadata={"student": orjson.dumps(about).decode()})


def changed_array(data: bytes, name: str, array: NDArray[Any]) -> bytes:
    """Return an artefact with another array."""
    arrays, metadata = unpack(data)
    return pack({**arrays, name: array}, metadata=metadata)


def test_a_student_read_back_judges_the_same(student: Student) -> None:
    again = from_artefact(to_artefact(student))
    for row in rows()[::7]:
        assert again.judge(row.text) == student.judge(row.text)


def test_bytes_that_hold_code_are_refused() -> None:
    with pytest.raises(ArtefactError):
        from_artefact(pickle.dumps(Bomb()))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_without_another_error(data: bytes) -> None:
    with pytest.raises(ArtefactError):
        from_artefact(data)


@given(st.data())
def test_a_cut_or_changed_artefact_is_refused_or_still_a_student(student: Student, data: st.DataObject) -> None:
    whole = to_artefact(student)
    header = struct.unpack_from("<Q", whole)[0] + 8
    place = data.draw(st.integers(0, header - 1))
    broken = bytearray(whole[: data.draw(st.sampled_from([place, len(whole)]))])
    if place < len(broken):
        broken[place] ^= data.draw(st.integers(1, 255))
    try:
        from_artefact(bytes(broken)).judge("ขอคืนกระเป๋า")
    except ArtefactError:
        return


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 99},
        {"intents": ["a", "b"]},
        {"intents": ["a", "a", "b", "c"]},
        {"rules": {"scales": [1.0, 1.0], "trust": [1.0], "sure_from": 0.5, "action_from": 0.5, "escalate_from": 0.5}},
        {"rules": {"scales": [1.0], "trust": [0.0] * 5, "sure_from": 0.5, "action_from": 0.5, "escalate_from": 0.5}},
        {"rules": {"scales": [1.0] * 2, "trust": [0.0] * 5, "sure_from": "0", "action_from": 0, "escalate_from": 0}},
        {"encoder": "someone's:384"},
        {"code": "import os"},
    ],
)
def test_an_artefact_that_contradicts_itself_is_refused(student: Student, changes: dict[str, object]) -> None:
    with pytest.raises(ArtefactError):
        from_artefact(changed_about(to_artefact(student), **changes))


@pytest.mark.parametrize("name", ["table", "steps", "bias", "output", "output_bias", "rarity", "keys"])
def test_an_array_of_another_shape_or_kind_is_refused(student: Student, name: str) -> None:
    data = to_artefact(student)
    for array in (np.zeros((3, 3), np.float32), np.zeros(1, np.uint8)):
        with pytest.raises(ArtefactError):
            from_artefact(changed_array(data, name, array))


def test_weights_that_are_no_numbers_are_refused(student: Student) -> None:
    bias = np.full_like(student.weights.bias, np.nan)
    with pytest.raises(ArtefactError):
        from_artefact(changed_array(to_artefact(student), "bias", bias))


def test_a_header_that_reaches_beyond_the_bytes_is_refused() -> None:
    header = orjson.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}})
    with pytest.raises(ArtefactError):
        unpack(struct.pack("<Q", len(header)) + header)
