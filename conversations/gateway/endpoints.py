"""The providers that may answer, in order of preference, as the settings name them."""

from django.conf import settings

from conversations.llm.requests import Dialect, Endpoint


def endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints to try, best first: DeepSeek, then the baseline, or the simulator where no key is set."""
    deepseek = tuple(
        Endpoint(
            name="deepseek",
            base_url=settings.DEEPSEEK_BASE_URL,
            api_key=key,
            model=settings.DEEPSEEK_MODEL,
            dialect=Dialect.DEEPSEEK,
        )
        for key in settings.DEEPSEEK_API_KEYS
    )
    baseline = tuple(
        Endpoint(
            name="openai",
            base_url=settings.OPENAI_BASE_URL,
            api_key=key,
            model=settings.OPENAI_MODEL,
            dialect=Dialect.OPENAI,
        )
        for key in settings.OPENAI_API_KEYS
    )
    return deepseek + baseline or simulated_endpoints()


def simulated_endpoints() -> tuple[Endpoint, ...]:
    """Return the bundled simulator, or nothing where it doesn't run."""
    if not settings.CSBOT_SIMULATOR_URL:
        return ()
    return (
        Endpoint(
            name="simulator",
            base_url=settings.CSBOT_SIMULATOR_URL,
            api_key="simulator",
            model="csbot-simulator",
            dialect=Dialect.SIMULATOR,
        ),
    )


def is_simulated() -> bool:
    """Say whether customers get the simulator's answers, which every page must say plainly."""
    return not (settings.DEEPSEEK_API_KEYS or settings.OPENAI_API_KEYS)
