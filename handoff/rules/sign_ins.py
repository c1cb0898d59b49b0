"""Which of our users a provider's subject is. Pure; what is bound is read in `database`.

The operator's word and the person's own come first: what another account writes never stands in
the way of somebody who is known already. Where nothing of it says who, the person chooses.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from handoff.contract.people import Actor
from handoff.contract.words import BoundBy, SubjectKind


@dataclass(frozen=True, slots=True)
class Known:
    """A living user whom a subject may be. `bound_by` None: an admin has written the address."""

    user: Actor
    account: str
    kind: SubjectKind | None = None
    bound_by: BoundBy | None = None
    accepted: bool = False

    @property
    def is_established(self) -> bool:
        """Whether the operator or the person has said so; an account alone never has."""
        return self.bound_by is BoundBy.IMPORT or self.accepted

    @property
    def is_lasting(self) -> bool:
        """Whether it holds whatever becomes of the address."""
        return self.is_established and self.kind is not SubjectKind.EMAIL

    def is_to_be_noted(self, named_by: SubjectKind) -> bool:
        """Whether their coming makes it their own word: the first time, by a lasting subject."""
        passing = self.kind is SubjectKind.EMAIL and named_by is SubjectKind.EMAIL
        return not self.accepted and not passing


def each_once(found: Iterable[Known]) -> list[Known]:
    """One for each user: the one that says most."""
    best: dict[object, Known] = {}
    for one in sorted(found, key=_says):
        best[one.user.id] = one
    return sorted(best.values(), key=lambda known: (known.account, known.user.id))


def _says(known: Known) -> tuple[bool, ...]:
    return known.is_established, known.is_lasting, known.accepted


def the_one(found: list[Known]) -> Known | None:
    """Whom the subject is without a word of their own; None where they have to choose."""
    established = [known for known in found if known.is_established]
    if established:
        return established[0] if len(established) == 1 else None
    only = found[0] if len(found) == 1 else None
    return only if only is not None and only.bound_by is BoundBy.SCIM else None
