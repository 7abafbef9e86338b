"""The tests of Celery's suite that fail on Continuo, by the cause: a guarantee, or a place of ours.

Each cause is in ``docs/how-to/coming-from-celery.md`` with what to do instead.
"""

IDS = "an id names one job: a frozen canvas is applied once"
DELAYS = (
    "an ETA waits in Redis, not in a worker: request.eta is None, and inspect scheduled is empty"
)
LATE_ACKS = "acks are late, and there is a queue control: inspect shows both"
PROCESSES = (
    "the process that runs a job announces it: task_received, its log line and the sets of "
    "worker.state are there, not in the main process"
)
RETRIES = "two retries by default"
REVOKED = "revoke() cancels a job wherever it runs, and reaches an idle process a moment later"
RECORDS = "a result is part of the record, not a key with result_expires and a channel"
PRODUCER = "messages are stored by a script, not by a producer of kombu's that is passed in"
NESTED = "a failed chord in a chord fails both bodies, and the errback of both is called for each"
SUITE = "about the app or the packages of the suite itself"

STOCK_FAILURES = frozenset(
    {
        "test_pubsub_subscribe_churn_while_draining",
        "test_pubsub_reentrant_cancel_from_finalizer",
        "test_task_success",
        "test_task_failed",
        "test_replaced_task_nesting_level_0",
        "test_django_fixup_direct_worker",
        "test_django_fixup_installs_django_task_for_celery_subclass",
        "test_error_propagates_from_chord",
    }
)
"""Tests that stock Celery 5.7 does not pass here, or expects to fail (Celery's issue 6437)."""

CAUSES: dict[str, tuple[str, ...]] = {
    IDS: (
        "test_mutable_errback_called_by_chord_from_chain",
        "test_mutable_errback_called_by_chord_from_chain_tail",
        "test_reapplying_frozen_chord_dispatches_body_again",
        "test_revoked_by_headers_complex_canvas",
    ),
    DELAYS: ("test_group_or_task_countdown_delays_header", "test_scheduled"),
    LATE_ACKS: ("test_active", "test_active_queues", "test_query_task"),
    PROCESSES: (
        "test_task_received_has_access_to_stamps",
        "test_linking_stamped_sig",
        "test_err_linking_stamped_sig",
        "test_each_instance_receives",
        "test_disconnect_leaves_other_instance_connected",
        "test_other_instance_receives_after_garbage_collection",
        "test_send_task_without_ignore_result_stores_result",
        "test_send_task_without_ignore_result_uses_task_ignore_result",
        "test_retry_preserves_ignore_result_false",
        "test_retry_preserves_ignore_result_true",
        "test_replaced_task_nesting_level_0",
        "test_replaced_task_nesting_level_1",
        "test_replaced_task_nesting_chain",
    ),
    RETRIES: ("test_retry",),
    REVOKED: (
        "test_revoke_keeps_state_of_task_started_elsewhere",
        "test_revoked_by_headers_simple_canvas",
    ),
    RECORDS: (
        "test_decode_responses_disables_compression",
        "test_chord_expires",
        "test_failure_expires",
        "test_asyncresult_get_cancels_subscription",
        "test_asyncresult_forget_cancels_subscription",
        "test_retry_with_unpickleable_exception",  # on a busy machine: it may look while STARTED
    ),
    PRODUCER: ("test_task_sent_event_respects_publish_retry_limit",),
    NESTED: ("test_nested_chord_header_link_error",),
    SUITE: (
        "test_conf",
        "test_hello_stamps_received_revoked_ids_locally",  # looks into a worker in its own process
        "test_stats",  # the same
        "test_chord_part_return_records_each_header_task_once",
        "test_pubsub_reentrant_cancel_from_finalizer",
    ),
}

DEVIATIONS = {test: cause for cause, tests in CAUSES.items() for test in tests}
"""Test -> why it fails."""
