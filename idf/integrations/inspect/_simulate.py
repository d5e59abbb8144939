"""A world as a tool: a model that may call it needs no imagination of its own, so what it reaches is an upper bound."""

from __future__ import annotations

from inspect_ai.tool import Tool, ToolError, tool

from idf.worlds import WORLDS


@tool
def simulate(world: str) -> Tool:
    """The simulator of a world, by name."""
    rules = WORLDS[world]

    async def execute(state: str, action: str) -> str:
        """The state that an action leads to, by the rules; nothing is changed by asking.

        Args:
            state: A whole state, written as the start is.
            action: One action or move, such as those that the rules name.
        """
        try:
            return rules.write(rules.step(rules.read(state), action.strip()))
        except ValueError as error:
            raise ToolError(str(error)) from None

    return execute
