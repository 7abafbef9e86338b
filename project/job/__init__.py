"""The job: a Celery task with a record, its results, retries, progress and cancellation.

May import: messages, store, artifacts, records, telemetry, settings, errors.

One job, from the call to the final record, and the code of ours that each hook of Celery's runs:

1. ``task.apply_async`` -> ``producer.ProducerTask`` builds the message, ``Continuo.enqueue`` stores
   record and message with the script ``jobs/enqueue``.
2. A pool process claims the message and begins the attempt: ``worker.process.executor`` with
   ``attempts/take``. Messages that are out of date are dropped in this step.
3. The executor checks kind, revocation and expiry, and runs Celery's tracer ``task.__trace__``.
4. ``task.before_start`` -> ``task.Job.before_start`` does nothing for a claimed attempt.
5. ``task.__call__`` -> ``task.Job.__call__`` runs the body of the task. The body may call
   ``progress``, ``once``, ``step``, ``artifact``, ``checkpoint`` and ``postpone``.
6. One of these ends the attempt:

   - the body returned: ``backend.mark_as_done`` -> ``RecordBackend`` leaves the success to the next
     ``attempts/take`` of its process;
   - the body raised an error of ``autoretry_for``, or called ``retry``: ``task.Job.retry`` runs
     ``attempts/retry``;
   - no attempt is left, or another error: ``backend.mark_as_failure`` -> ``RecordBackend`` runs
     ``attempts/fail``;
   - the body raised ``Ignore`` or ``Cancelled``: ``running.ignored.end_without_result``.

With RabbitMQ, and in the solo and thread pools, Celery's consumer delivers the message instead:
``worker.transport`` fetches it, ``worker.request.JobRequest`` hands it to the pool and acknowledges
it, ``before_start`` begins the attempt with ``attempts/start``, and ``attempts/succeed`` ends it.
"""
