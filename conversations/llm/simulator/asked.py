"""What a request asks for, checked as DeepSeek checks it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.llm.requests import ChatMessage

MODE_MARK = "+"


class RefusedError(Exception):
    """The request is answered with an HTTP error; `message` says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Message(BaseModel):
    """One message of the prompt."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class ResponseFormat(BaseModel):
    """Whether JSON is asked for."""

    type: Literal["text", "json_object"] = "text"


class StreamOptions(BaseModel):
    """Whether the usage comes in a chunk of its own."""

    include_usage: bool = False


class Thinking(BaseModel):
    """Whether the model thinks first. DeepSeek's models do unless told not to."""

    type: Literal["enabled", "disabled"] = "enabled"


class Asked(BaseModel):
    """A request for a chat completion."""

    model_config = ConfigDict(extra="ignore")

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    response_format: ResponseFormat | None = None
    stream_options: StreamOptions | None = None
    thinking: Thinking = Thinking()
    max_tokens: int = Field(default=4096, ge=1, le=393_216)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    user_id: str = ""

    @property
    def modes(self) -> tuple[str, ...]:
        """The ways to fail that the model's name asks for: `csbot-simulator+stall`."""
        return tuple(self.model.split(MODE_MARK)[1:])

    @property
    def is_thinking(self) -> bool:
        """Whether the answer begins with reasoning. Who sets a limit in OpenAI's way gets no DeepSeek habits."""
        return self.thinking.type == "enabled" and self.max_completion_tokens is None

    @property
    def limit(self) -> int:
        """How many tokens the answer may have."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def has_usage_chunk(self) -> bool:
        """Whether the usage comes in a chunk of its own at the end."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def prompt(self) -> tuple[ChatMessage, ...]:
        """The messages without those of tools."""
        return tuple(ChatMessage(sent.role, sent.content) for sent in self.messages if sent.role != "tool")


def read_request(body: bytes) -> Asked:
    """Return what is asked for. Raises RefusedError."""
    try:
        asked = Asked.model_validate_json(body)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) or "body"
        raise RefusedError(400, f"Failed to deserialize the JSON body: {place} is missing or invalid") from error
    wants_json = asked.response_format is not None and asked.response_format.type == "json_object"
    if wants_json and not any("json" in sent.content.lower() for sent in asked.messages):
        raise RefusedError(
            400, "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."
        )
    return asked
