"""What a running attempt uses: its claim, progress, cancellation, coroutines, errors and retries.

May import: messages, store, records, settings, errors.
"""
