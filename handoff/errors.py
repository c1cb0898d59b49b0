"""Every error that Handoff raises on purpose.

    HandoffError
    ├── ConfigurationError      the start fails and names the variable (exit code 78)
    ├── ImportRefused           `handoff import` names the place in the file (exit code 1)
    ├── Unreachable             a dependency does not answer (exit code 3)
    │   ├── EngineUnreachable   503
    │   ├── OutcomeUnknown      503
    │   ├── FilesUnreachable    503
    │   └── Busy                503
    └── Refusal                 an answer to a caller: a clear 4xx, nothing done
        ├── Unauthenticated     401
        ├── Forbidden           403
        ├── NotFound            404  also for what belongs to another account
        ├── Conflict            409
        │   ├── AlreadyClaimed
        │   ├── HandoffClosed
        │   ├── OwnEscalation
        │   ├── HandoffAlreadyOpen
        │   ├── RoundPassed
        │   ├── WrongState
        │   ├── LastOwner
        │   ├── TooManyFiles
        │   ├── TooManyWebhooks
        │   ├── WebhookDisabled
    │   ├── AddressTaken
        │   └── RequestInFlight
        ├── LinkDead            410
        ├── StaleVersion        412
        │   └── StalePolicy
        ├── TooSlow             408
        ├── TooLarge            413
        ├── UnsupportedMedia    415
        ├── RangeNotSatisfiable 416
        ├── Invalid             422
        │   ├── IdempotencyMismatch
        │   ├── CallbackHost
        │   └── ScimInvalid     400, in SCIM's own words
        ├── TooMany             429
        │   └── TooManyStreams
        └── HeadersTooLarge     431

Each carries its HTTP status, its problem type (RFC 9457) and the facts that a client needs.
"""

from typing import Any, ClassVar


class HandoffError(Exception):
    """The root. `detail` says what happened and what to do; it never holds a secret."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "/problems/internal"
    title: ClassVar[str] = "Something failed on our side"

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class ConfigurationError(HandoffError):
    """A setting is missing or wrong."""

    title = "Bad configuration"


class ImportRefused(HandoffError):
    """What stands in the file does not fit what is there. Nothing was changed."""

    title = "The file does not fit"


class Unreachable(HandoffError):
    """A dependency does not answer. The same request may work later."""

    status = 503
    type = "/problems/unreachable"
    title = "A dependency does not answer"


class EngineUnreachable(Unreachable):
    """Temporal does not answer, so nothing new can be promised."""

    type = "/problems/engine-unreachable"
    title = "The workflow engine does not answer"


class OutcomeUnknown(Unreachable):
    """PostgreSQL's answer to a commit was lost: the change may have been made, or not."""

    type = "/problems/outcome-unknown"
    title = "Whether it was done is not known"


class FilesUnreachable(Unreachable):
    """The bucket that keeps what is in files does not take or give it. Everything else goes on."""

    type = "/problems/files-unreachable"
    title = "Where files are kept does not answer"

    def __init__(self, cause: str, *, refused: bool = False) -> None:
        super().__init__("The file was not kept, or cannot be read at this moment. Try again.")
        self.cause = cause
        """What is wrong with the bucket, for the operator alone."""
        self.refused = refused
        """It answers, and will say the same until something is mended."""


class Busy(Unreachable):
    """So much of this account waits already that more would wait in vain. Others are not met."""

    type = "/problems/busy"
    title = "This account's requests wait for each other"


class Refusal(HandoffError):
    """The caller's request is answered with a no, and nothing was changed."""

    status = 400
    type = "/problems/refused"
    title = "The request was refused"


class Unauthenticated(Refusal):
    """No valid identity."""

    status = 401
    type = "/problems/unauthenticated"
    title = "Sign in first"


class Forbidden(Refusal):
    """The caller's role does not allow it."""

    status = 403
    type = "/problems/forbidden"
    title = "Your role does not allow this"


class NotFound(Refusal):
    """Unknown, or another account's: the two look exactly alike."""

    status = 404
    type = "/problems/not-found"
    title = "There is no such thing"


class Conflict(Refusal):
    """The present state does not allow it."""

    status = 409
    type = "/problems/conflict"
    title = "The present state does not allow this"


class AlreadyClaimed(Conflict):
    """Somebody else has it. Facts: `claimed_by {id, name}`, `claimed_at`."""

    type = "/problems/already-claimed"
    title = "Somebody else has claimed this handoff"


class HandoffClosed(Conflict):
    """Resolved, cancelled or expired: nothing reopens it. Fact: `handoff_status`."""

    type = "/problems/handoff-closed"
    title = "This handoff is closed"


class OwnEscalation(Conflict):
    """The escalator cannot claim their own escalation; they can cancel it."""

    type = "/problems/own-escalation"
    title = "You cannot claim your own escalation"


class HandoffAlreadyOpen(Conflict):
    """The session already has a handoff that is parked, open or claimed. Fact: `handoff_id`."""

    type = "/problems/handoff-already-open"
    title = "This session is already handed off"


class RoundPassed(Conflict):
    """The round that the caller saw is over. Fact: `round`, the present one."""

    type = "/problems/round-passed"
    title = "That round has passed"


class WrongState(Conflict):
    """The command does not fit the handoff's state. Fact: `handoff_status`."""

    type = "/problems/wrong-state"
    title = "The handoff's state does not allow this"


class TooManyNotes(Conflict):
    """A handoff takes so many notes and no more. Fact: `limit`."""

    type = "/problems/too-many-notes"
    title = "This handoff takes no more notes"


class TooManyCalls(Conflict):
    """So many people were called by name, and no more are. Fact: `limit`."""

    type = "/problems/too-many-calls"
    title = "Nobody else is called about this handoff by name"


class TooManyFiles(Conflict):
    """A session holds so many files and no more. Fact: `limit`."""

    type = "/problems/too-many-files"
    title = "This session takes no more files"


class TooManyWebhooks(Conflict):
    """An account has so many webhooks and no more. Fact: `limit`."""

    type = "/problems/too-many-webhooks"
    title = "This account takes no more webhooks"


class WebhookDisabled(Conflict):
    """Nothing is posted to this webhook: enable it first."""

    type = "/problems/webhook-disabled"
    title = "This webhook is disabled"


class LastOwner(Conflict):
    """An account keeps at least one active owner."""

    type = "/problems/last-owner"
    title = "This is the account's last active owner"


class AddressTaken(Conflict):
    """Another living user of the account has this address."""

    type = "/problems/address-taken"
    title = "Another user of this account has this address"


class RequestInFlight(Conflict):
    """The same Idempotency-Key is being worked on at this moment."""

    type = "/problems/request-in-flight"
    title = "The same request is still being worked on"


class LinkDead(Refusal):
    """The handoff that a claim link names is closed."""

    status = 410
    type = "/problems/link-dead"
    title = "This link has served its time"


class StaleVersion(Refusal):
    """If-Match names a version that has passed. Fact: `version`, the present one."""

    status = 412
    type = "/problems/stale-version"
    title = "The handoff has changed since you read it"


class StalePolicy(StaleVersion):
    """If-Match names a policy that has been replaced."""

    title = "The policy has changed since you read it"


class TooSlow(Refusal):
    """The body did not arrive in time."""

    status = 408
    type = "/problems/too-slow"
    title = "The request took too long to arrive"


class RangeNotSatisfiable(Refusal):
    """The range begins behind the end. Fact: `size`, in bytes."""

    status = 416
    type = "/problems/range-not-satisfiable"
    title = "The file ends before that"


class TooLarge(Refusal):
    """The body is over the limit."""

    status = 413
    type = "/problems/too-large"
    title = "The body is too large"


class UnsupportedMedia(Refusal):
    """The body is not JSON by its Content-Type."""

    status = 415
    type = "/problems/unsupported-media-type"
    title = "Send the body as application/json"


class Invalid(Refusal):
    """The input is malformed. Fact: `errors`, each with the path to the fault."""

    status = 422
    type = "/problems/invalid"
    title = "The input is not valid"


class IdempotencyMismatch(Invalid):
    """The Idempotency-Key was used before with another body."""

    type = "/problems/idempotency-mismatch"
    title = "This Idempotency-Key belongs to another request"


class CallbackHost(Invalid):
    """A callback may go only to hosts that the account has named. Fact: `errors`."""

    type = "/problems/callback-host"
    title = "The account has not named this host"


class ScimInvalid(Invalid):
    """A SCIM request that cannot be taken. `kind` is its `scimType`."""

    def __init__(self, detail: str, *, kind: str) -> None:
        super().__init__(detail)
        self.kind = kind


class TooMany(Refusal):
    """Over a limit. Fact: `retry_after`, seconds."""

    status = 429
    type = "/problems/too-many-requests"
    title = "Too many requests"


class TooManyStreams(TooMany):
    """One user holds as many live streams as may be. Close one, or wait until one has ended."""

    type = "/problems/too-many-streams"
    title = "Too many live streams"


class HeadersTooLarge(Refusal):
    """The request line and the headers are over the limit."""

    status = 431
    type = "/problems/headers-too-large"
    title = "The headers are too large"
