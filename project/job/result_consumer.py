"""How a caller waits for results."""

from celery.backends.redis import ResultConsumer


class RecordConsumer(ResultConsumer):
    """Waits for results; after a reconnect it reads from the records what it missed."""

    subscribed_to: set[bytes]

    def _reconnect_pubsub(self) -> None:
        with self._locked():
            kept, self.subscribed_to = (
                self.subscribed_to,
                set(),
            )  # else the parent looks for Celery's metas
            super()._reconnect_pubsub()
            self.subscribed_to = kept
            if kept:
                self._pubsub.subscribe(*kept)
            for meta in filter(None, self.backend.mget(sorted(kept))):
                self.on_state_change(self._decode_result(meta), None)
