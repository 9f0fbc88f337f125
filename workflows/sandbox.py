"""How workflow code is kept from the outside world: one strict runner, one fast one.

Both run the same code. The strict runner re-imports each workflow module for each run and refuses
any import that was not foreseen; tests and replay use it. The fast one, for production, has no
sandbox and saves about a fifth of the worker's time per journey (14 ms against 17-20 ms here;
passing our own modules through the sandbox saves nothing, the price is the sandbox itself). What it
no longer proves is proved before: by import contracts, banned calls, and the strict runner in CI.
"""

from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

PURE = ("activities", "loyalty", "pydantic", "pydantic_core", "annotated_types")


def strict_runner() -> WorkflowRunner:
    """For tests and replay: only pure modules pass, anything else fails when the worker starts."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            *PURE
        ).with_import_notification_policy(
            SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
            | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
        )
    )


def fast_runner() -> WorkflowRunner:
    """For production: the same modules, loaded once per process."""
    return UnsandboxedWorkflowRunner()
