"""docs/security.md names the test of each promise, and the tests that it names are there."""

from __future__ import annotations

import re

from support.server import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


def test_each_test_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:\w+/)+test_\w+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 40
    for file, test in named:
        source = (ROOT / "tests" / file).read_text()
        assert not test or f"def {test}(" in source, f"{file}::{test}"


def test_each_promise_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| promise"))]
    assert len(rows) > 20
    for row in rows:
        assert "test_" in row.rstrip("| ").rpartition("|")[2], row
