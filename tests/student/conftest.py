"""A student trained once for all tests, and a shelf that forgets what other tests put on it."""

from collections.abc import Iterator

import pytest

from conversations.answers.student.reading import Student
from conversations.answers.student.shelf import SHELF
from conversations.answers.student.training import train
from tests.student import samples


@pytest.fixture(scope="session")
def student() -> Student:
    """A student of four intents."""
    return train(samples.rows(), options=samples.QUICK)


@pytest.fixture(autouse=True)
def _empty_shelf() -> Iterator[None]:
    SHELF.forget()
    yield
    SHELF.forget()
