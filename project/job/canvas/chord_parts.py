"""Parts of a chord that end a second time, because they or a job before them were rerun."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from celery.backends.redis import CHORD_PART_RETURN_LUA

REOPEN_LUA = """
-- A part that had failed ends again: forget its failure. Once no part is left that failed, the
-- chord is as it was before its last part came back. The keys and arguments are those of Celery's
-- script, which follows.
-- -> {-2}: another process is failing the chord; it deletes the size when it is done
do
  local parts, extra, size, returned, claim = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6]
  local id, is_ordered, score, expires = ARGV[1], ARGV[3] == '1', ARGV[4], tonumber(ARGV[5])

  local function read(entry)
    local is_json, part = pcall(cjson.decode, entry)
    if is_json then return part[2], part[3] end
  end

  local member = id .. ':' .. score
  if is_ordered and redis.call('SISMEMBER', returned, member) == 1 then
    local entries, own_failure, other_failures = redis.call('ZRANGE', parts, 0, -1), nil, 0
    for _, entry in ipairs(entries) do
      local part, state = read(entry)
      if state ~= 'SUCCESS' and part == id then own_failure = entry end
      if state ~= 'SUCCESS' and part ~= id then other_failures = other_failures + 1 end
    end
    if own_failure then
      local header = #entries - tonumber(redis.call('GET', extra) or 0)
      local expected = tonumber(redis.call('GET', size) or header)
      local is_over = header == expected
      if is_over and redis.call('EXISTS', size, claim) == 2 then return { -2 } end
      redis.call('ZREM', parts, own_failure)
      redis.call('SREM', returned, member)
      if is_over and other_failures == 0 then
        redis.call('DEL', claim)
        redis.call('SET', size, expected)
        if expires > 0 then redis.call('EXPIRE', size, expires) end
      end
    end
  end
end
"""

PART_RETURN_LUA = REOPEN_LUA + CHORD_PART_RETURN_LUA
SECONDS_TO_FAIL = 30.0
"""How long a process may take to fail a chord; the claim of one that died has expired by then."""


class PartReturn:
    """Celery's script for a part that came back, preceded by ``REOPEN_LUA``."""

    def __init__(self, run: Callable[..., list[Any]]) -> None:
        self._run = run

    def __call__(self, *, keys: Sequence[str], args: Sequence[Any], client: Any) -> list[Any]:
        """Run the script. Raises ``TimeoutError`` when another process does not finish."""
        deadline = time.monotonic() + SECONDS_TO_FAIL
        while (answer := self._run(keys=keys, args=args, client=client)) == [-2]:
            if time.monotonic() > deadline:
                raise TimeoutError("another process does not finish failing the chord")
            time.sleep(0.02)
        return answer
