"""What `ratoon adopt` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...spec.model import Spec
from ..terminal import marked
from ..views import out, versions

if TYPE_CHECKING:
    from ...flows.adopt import Adoption


def show_adoption(spec: Spec, adoption: Adoption, as_json: bool) -> None:
    """What was recovered, what is missing, and the versions."""
    if as_json:
        out.print_json(data=adoption.model_dump(mode="json"))
        return
    for title, lines, colour in (
        ("Recovered", adoption.recovered, "green"),
        ("Missing", adoption.missing, "yellow"),
    ):
        out.print(marked(f"[{colour}]{{}}[/]", title))
        for line in lines:
            out.print(f"  {line}", highlight=False)
    versions(spec, as_json=False, note=f"v{adoption.version} is the champion, adopted from {adoption.source}.")
