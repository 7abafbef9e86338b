-- Remove the outbox, with the orders and results in it.
drop table if exists continuo_outbox, continuo_outbox_refused, continuo_results;
drop function if exists continuo_enqueue(text, jsonb, jsonb), continuo_retry_refused(uuid), continuo_notify();
