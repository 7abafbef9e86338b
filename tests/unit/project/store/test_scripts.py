"""What scripts carry of the Lua that they share."""

from project.store import SCRIPTS, definitions, used_by

LUA = """-- A comment.
local prefix = KEYS[1]
local function one() return prefix end
local function two() return one() end
local function three(job) -- seldom
  return two() .. job
end
local function four() return three(1) end
"""


def test_a_script_carries_what_it_uses_and_what_that_uses() -> None:
    carried = used_by("return two()", definitions(LUA))
    assert carried == (
        "local prefix = KEYS[1]\n"
        "local function one() return prefix end\n"
        "local function two() return one() end\n"
    )


def test_what_only_a_seldom_called_function_needs_is_inside_it() -> None:
    carried = used_by("return four()", definitions(LUA))
    outside, mark, inside = carried.partition("-- seldom\n")
    assert outside == "local function three(job) "
    assert mark
    assert inside.startswith("local prefix")
    assert [name for name in ("one", "two") if f"local function {name}()" not in inside] == []


def test_the_frequent_moves_do_not_define_what_they_hardly_ever_call() -> None:
    for name in ("start", "succeed"):
        often, _, _ = SCRIPTS[name].partition("-- seldom\n")
        assert "local function push(" not in often
