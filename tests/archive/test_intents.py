"""Plans that a crash left and that can't be read: the start is refused in words, and nothing of them is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sumu_dav.archive.plans.intents import Intents
from sumu_dav.archive.plans.plan import VERBS, Plan, plan_from_json, plan_to_json
from sumu_dav.errors import Damaged
from sumu_dav.library import Place, Side

A, B = Place(Side.VISIBLE, "alice", ("trip", "a.jpg")), Place(Side.VISIBLE, "alice", ("trip", "b.jpg"))


def whole_plan() -> Plan:
    """One step of each kind."""
    plan = Plan()
    plan.aside(A, B)
    plan.folder(A)
    plan.keep(A, B)
    plan.rename(A, B)
    plan.records(drop=[1])
    plan.unlink(A)
    plan.rmdir(A)
    plan.date(A, 1)
    return plan


def test_every_step_is_read_as_it_was_written() -> None:
    written = plan_to_json(whole_plan())

    assert {step["do"] for step in written} == {*VERBS, "records"}
    assert plan_from_json(json.loads(json.dumps(written))) == whole_plan()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ('[{"do": "compress", "place": "visible/alice/a.jpg", "to": null}]', "'compress' is no step"),
        ('[{"do": "unlink"', "Expecting"),
        ('[{"do": "unlink"}]', "'to'"),
        ("[1]", "not subscriptable"),
    ],
)
def test_what_can_t_be_read_is_told_of_with_its_cure(tmp_path: Path, steps: str, words: str) -> None:
    intents = Intents(str(tmp_path / "intents"))
    intents.write(whole_plan())
    (tmp_path / "intents" / "1-later.json").write_text(steps)

    with pytest.raises(Damaged, match=words) as raised:
        intents.waiting()

    assert raised.value.path.endswith("1-later.json")
    assert "move the file away" in str(raised.value)
