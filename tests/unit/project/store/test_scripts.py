"""What scripts carry of the Lua that they share."""

import pytest

from project.store.scripts import SCRIPTS, parse_definitions, select_used

LUA = """-- A comment.
local prefix = KEYS[1]
local function one() return prefix end
local function two() return one() end
local function three(job) -- rarely
  return two() .. job
end
local function four() return three(1) end
"""


def test_a_script_includes_the_functions_it_needs_directly_and_indirectly() -> None:
    carried = select_used("return two()", parse_definitions(LUA))
    assert carried == (
        "local prefix = KEYS[1]\n"
        "local function one() return prefix end\n"
        "local function two() return one() end\n"
    )


def test_functions_needed_only_by_a_rarely_called_function_are_inlined_in_it() -> None:
    carried = select_used("return four()", parse_definitions(LUA))

    outside, mark, inside = carried.partition("-- rarely\n")

    assert outside == "local function three(job) "
    assert mark
    assert inside.startswith("local prefix")
    assert [name for name in ("one", "two") if f"local function {name}()" not in inside] == []


def test_a_rarely_called_function_uses_what_the_script_has_already() -> None:
    carried = select_used("return two() + four()", parse_definitions(LUA))

    assert carried.count("local function one()") == 1
    assert carried.index("local function two()") < carried.index("local function three(job)")


def test_the_frequent_commands_do_not_define_rarely_called_functions() -> None:
    for name in ("attempts/start", "attempts/succeed"):
        often, _, _ = SCRIPTS[name].partition("-- rarely\n")
        assert "local function push(" not in often


def test_a_name_that_is_defined_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="one is defined twice"):
        parse_definitions("local function one() end\nlocal function one(a) end\n")
