"""The job: a Celery task with a record, its results, retries, progress and cancellation.

May import: messages, store, records, telemetry, settings, errors.

One job, from the call to the final record, and the code of ours that each hook of Celery's runs:

1. ``task.apply_async`` -> ``producer.ProducerTask`` builds the message, ``Continuo.enqueue`` stores
   record and message with the script ``jobs/enqueue``.
2. A worker fetches the message: ``worker.transport`` with ``workers/fetch``.
3. ``Task.Request`` -> ``worker.request.JobRequest`` takes the message in the main process and sends
   it to a pool process.
4. The tracer ``task.__trace__`` -> ``worker.streak`` runs in the pool process, around steps 5 to 7.
5. ``task.before_start`` -> ``task.Job.before_start`` starts the attempt with ``attempts/start``. A
   message that is out of date ends here with ``Ignore``.
6. ``task.__call__`` -> ``task.Job.__call__`` runs the body of the task. The body may call
   ``progress``, ``once``, ``checkpoint`` and ``postpone``.
7. One of these ends the attempt:

   - the body returned: ``backend.mark_as_done`` -> ``RecordBackend`` runs ``attempts/succeed``, or
     ``worker.streak`` runs ``attempts/advance``, which also starts the next job;
   - the body raised an error of ``autoretry_for``, or called ``retry``: ``task.Job.retry`` runs
     ``attempts/retry``;
   - no attempt is left, or another error: ``backend.mark_as_failure`` -> ``RecordBackend`` runs
     ``attempts/fail``;
   - the body raised ``Ignore`` or ``Cancelled``: ``ignored.end_without_result``.
8. ``Request.on_success``, ``on_failure`` and ``on_retry`` -> ``worker.request.JobRequest``
   acknowledges the message, or puts the job back when its process died.
"""
