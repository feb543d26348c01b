"""Holds frames to the published schema of the widget protocol (docs/protocol.schema.json)."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parent.parent / "docs" / "protocol.schema.json"


@cache
def definitions() -> dict[str, Any]:
    """Return all definitions of the published schema."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text())["$defs"]
    return found


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of one definition, such as `server_delta`."""
    assert name in definitions(), f"{name} is not in the published protocol"
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions()})


def assert_server_frame(frame: Mapping[str, object]) -> None:
    """Fail unless the frame is one the protocol publishes, with all its fields published, too."""
    name = f"server_{frame['type']}"
    validator(name).validate(dict(frame))
    published = definitions()[name]["properties"]
    assert frame.keys() <= published.keys(), f"unpublished fields in {frame['type']}: {frame.keys() - published.keys()}"
