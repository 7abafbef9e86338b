"""Secrets in the logs of jobs."""

import pytest

from project.logs.masks import collect_pieces, mask_pieces, mask_secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("redis://user:hunter2@host/0", "redis://user:***@host/0"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ('{"api_key": "12345"}', '{"api_key": "***"}'),
        ("password=hunter2 next", "password=*** next"),
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=***"),
        ("API_KEY=abcdef123", "API_KEY=***"),
        ("Api-Key: abcdef123", "Api-Key: ***"),
        ("AUTHORIZATION: Basic YWRhOmE=", "AUTHORIZATION: Basic ***"),
        ("BEARER abcdef123", "BEARER ***"),
        ("42 tokens read from the key store", "42 tokens read from the key store"),
        ("https://example.com/path", "https://example.com/path"),
    ],
    ids=range(11),
)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


def test_texts_at_any_depth_of_the_arguments_are_masked() -> None:
    pieces = collect_pieces([["short", {"a": ["open sesame"]}], {}])

    assert mask_pieces("short open sesame sesame", pieces) == "short *** ***"
