"""What is asked of a model, and of which: plain values, no behaviour."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model picks its words. Thinking costs time and ignores the temperature: off unless asked for."""

    temperature: float = 0.2
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    max_tokens: int = 800
    is_thinking: bool = False


class Dialect(StrEnum):
    """Which fields beyond OpenAI's own an endpoint understands."""

    DEEPSEEK = "deepseek"
    OPENAI = "openai"
    SELF_HOSTED = "self_hosted"
    SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served, and with which key; `proxy` is the way there, `extra_body` JSON that goes with it."""

    name: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    dialect: Dialect
    proxy: str = field(default="", repr=False)
    extra_body: str = ""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long to wait: by the wall clock for the first word, then between words, and for all of it."""

    first_token_seconds: float = 8.0
    between_chunks_seconds: float = 15.0
    total_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost in tokens. Cached ones are part of the prompt's, reasoning ones part of the completion's."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
