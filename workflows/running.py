"""How workflows run, in whichever process: the sandbox, and how a worker lets go of them."""

from datetime import timedelta

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.audit import AuditWorkflow
from workflows.handoff import HandoffWorkflow
from workflows.trial import TrialWorkflow
from workflows.webhook import WebhookTestWorkflow, WebhookWorkflow

WORKFLOWS = [
    HandoffWorkflow,
    AuditWorkflow,
    TrialWorkflow,
    WebhookWorkflow,
    WebhookTestWorkflow,
]
"""All of them, on every worker: whoever asks the queue for work may be given any."""

BUILD = "handoff"
"""Told to the engine. Left out, its library reads and hashes all code that is loaded, at a start:
a second where there is much of it, for a name that nothing here asks for."""

GRACE = timedelta(seconds=5)
"""How long running activities may go on after a stop was asked for."""

STICKY_FOR = timedelta(seconds=2)
"""A dead worker's workflows are picked up by another one after so long."""


def sandbox() -> SandboxedWorkflowRunner:
    """The sandbox, into which our own modules pass: importing them anew costs each run 1.7 ms."""
    ours = SandboxRestrictions.default.with_passthrough_modules(
        "handoff", "activities", "workflows"
    )
    return SandboxedWorkflowRunner(restrictions=ours)
