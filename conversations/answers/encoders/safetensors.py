"""Reads a safetensors file: eight bytes of length, a JSON header, then the numbers. Nothing in it is ever executed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conversations.answers.encoders.base import UnfitEncoderError

MAX_HEADER_BYTES: Final = 100_000_000
LENGTH_BYTES: Final = 8
TYPES: Final = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def read_tensors(path: Path) -> Mapping[str, NDArray[np.float32]]:
    """Return the tensors of a file by name, as 32-bit numbers. Raises UnfitEncoderError."""
    data = path.read_bytes()
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    if length > min(MAX_HEADER_BYTES, len(data) - LENGTH_BYTES):
        raise UnfitEncoderError("not_safetensors")
    try:
        header: dict[str, Any] = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + length])
    except ValueError:
        raise UnfitEncoderError("not_safetensors") from None
    header.pop("__metadata__", None)
    body = memoryview(data)[LENGTH_BYTES + length :]
    return {name: _tensor(body, told) for name, told in header.items() if told["dtype"] in {*TYPES, "BF16"}}


def _tensor(body: memoryview, told: Mapping[str, Any]) -> NDArray[np.float32]:
    start, end = told["data_offsets"]
    if told["dtype"] == "BF16":
        # The upper half of a 32-bit number.
        halves = np.frombuffer(body[start:end], dtype=np.uint16).astype(np.uint32) << 16
        return halves.view(np.float32).reshape(told["shape"])
    numbers = np.frombuffer(body[start:end], dtype=TYPES[told["dtype"]])
    return numbers.reshape(told["shape"]).astype(np.float32)
