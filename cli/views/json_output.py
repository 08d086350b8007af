"""What the commands print for programs: JSON on the output stream, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from ..reading import ModelFacts, update_json
from ..terminal import Terminal

out = Terminal()


def print_data(data: object) -> None:
    """Plain JSON data."""
    out.print_json(data=data)


def print_model(found: BaseModel) -> None:
    """One value with its fields."""
    out.print_json(found.model_dump_json())


def print_each(found: Sequence[object]) -> None:
    """A list of plain dataclasses."""
    print_data([vars(each) for each in found])


def print_versions(facts: ModelFacts) -> None:
    """The model's versions in the registry, newest first."""
    print_data({"model": facts.model, "versions": facts.versions})


def print_history(facts: ModelFacts, last: int) -> None:
    """The newest *last* decisions, oldest of them first, each with what became of it and its score."""
    updates = {update.decision: update_json(update) for update in facts.updates}
    scores = {name: score.model_dump(mode="json") for name, score in facts.scores.items()}
    print_data(
        [
            {**made.model_dump(mode="json"), "update": updates.get(made.id), "score": scores.get(made.id)}
            for made in facts.decisions[-last:]
        ]
    )
