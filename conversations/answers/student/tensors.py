"""Arrays and a few words about them as bytes, and back: the safetensors layout, which holds data and never code.

Eight bytes give the length of a JSON header that names each array's type, shape and place; the arrays follow. What
comes in is checked before anything is made of it: a damaged or hostile file ends in an ArtefactError.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

MAX_BYTES: Final = 200_000_000
MAX_HEADER_BYTES: Final = 1_000_000
LENGTH: Final = struct.Struct("<Q")
TYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "I32": np.dtype("<i4"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
}
NAMES: Final = {kind: name for name, kind in TYPES.items()}
METADATA: Final = "__metadata__"

Arrays = dict[str, NDArray[Any]]


class ArtefactError(ValueError):
    """These bytes are no artefact."""


def pack(arrays: Mapping[str, NDArray[Any]], *, metadata: Mapping[str, str]) -> bytes:
    """Return the arrays and the metadata as bytes; the same input gives the same bytes."""
    header: dict[str, Any] = {METADATA: dict(metadata)}
    bodies: list[bytes] = []
    end = 0
    for name, array in arrays.items():
        body = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": NAMES[array.dtype], "shape": array.shape, "data_offsets": [end, end + len(body)]}
        end += len(body)
        bodies.append(body)
    words = orjson.dumps(header, option=orjson.OPT_SORT_KEYS)
    words += b" " * (-len(words) % LENGTH.size)
    return b"".join((LENGTH.pack(len(words)), words, *bodies))


def unpack(data: bytes) -> tuple[Arrays, dict[str, str]]:
    """Return what `pack` was given. Raises ArtefactError."""
    header, start = read_header(data)
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(word, str) for word in metadata.values()):
        raise ArtefactError("the metadata isn't text")
    return {name: read_array(data, start=start, entry=entry) for name, entry in header.items()}, metadata


def read_header(data: bytes) -> tuple[dict[str, Any], int]:
    """Return the header, and where the arrays begin."""
    if not LENGTH.size <= len(data) <= MAX_BYTES:
        raise ArtefactError("too short or too long")
    (length,) = LENGTH.unpack_from(data)
    start = LENGTH.size + length
    if length > MAX_HEADER_BYTES or start > len(data):
        raise ArtefactError("the header is too long")
    try:
        header = orjson.loads(data[LENGTH.size : start])
    except orjson.JSONDecodeError as error:
        raise ArtefactError("the header isn't JSON") from error
    if not isinstance(header, dict):
        raise ArtefactError("the header isn't an object")
    return header, start


def read_array(data: bytes, *, start: int, entry: object) -> NDArray[Any]:
    """Return one array: a view of the bytes that can't be written to."""
    match entry:
        case {"dtype": str(name), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if name in TYPES:
            kind = TYPES[name]
        case _:
            raise ArtefactError("an array isn't described")
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ArtefactError("an array's shape is no shape")
    count = math.prod(shape)
    if not 0 <= begin <= end <= len(data) - start or end - begin != count * kind.itemsize:
        raise ArtefactError("an array lies elsewhere")
    return np.frombuffer(data, dtype=kind, count=count, offset=start + begin).reshape(shape)
