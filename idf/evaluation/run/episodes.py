"""Items asked over turns (`--episodes`): all games go on turn by turn, so that replies of one turn are made together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from tqdm import tqdm

from idf.backends import Backend, Request, Response, answered, left_out, notes_on, open_backend, sampling_facts
from idf.backends import without_answer as counted_without
from idf.env import Episode, Oracle
from idf.errors import UserError
from idf.suites import Item
from idf.worlds import Rng

from ..metrics.baselines import PLAYS, TRIVIAL, baseline_response
from ..metrics.row import Row
from .answers import Answers
from .games import ConversationKeys, Game, Turns
from .players import BaselinePlayer, ModelPlayer, Player
from .queries import Ask


def play_episodes(player: Player, asks: Sequence[Ask], turns: Turns, max_pixels: int | None) -> list[Row] | None:
    """Play every ask as an episode.

    Args:
        player: A model or a baseline.
        asks: What is wanted.
        turns: How the episodes go.
        max_pixels: Largest picture.

    Returns:
        The rows, in the order of the asks; None for a worker's share.

    Raises:
        UserError: The player answers files alone, or the playing ended early. What came is kept.
    """
    if isinstance(player, BaselinePlayer):
        return [_played(player.name, ask, turns) for ask in asks]
    if not isinstance(player, ModelPlayer):
        raise UserError("stored responses have no turns: --episodes goes with a checkpoint or a baseline")
    games = [Game(ask, turns, max_pixels) for ask in asks]
    if player.share is not None:
        part, parts = player.share
        _ask(player, games[part::parts])
        return None
    _ask(player, games)
    _tell(player, games)
    return [game.row() for game in games]


# --- a model -----------------------------------------------------------------------------------------------------


class _Conversations(Sequence[Request]):
    """Games as requests; each is made when it is looked up, since pictures are large."""

    def __init__(self, games: Sequence[Game]) -> None:
        self.games = games

    def __len__(self) -> int:
        return len(self.games)

    @overload
    def __getitem__(self, at: int) -> Request: ...
    @overload
    def __getitem__(self, at: slice) -> _Conversations: ...
    def __getitem__(self, at: int | slice) -> Request | _Conversations:
        return _Conversations(self.games[at]) if isinstance(at, slice) else self.games[at].request()

    def __iter__(self) -> Iterator[Request]:
        return (game.request() for game in self.games)


def _ask(player: ModelPlayer, games: Sequence[Game]) -> None:
    """Play games to their ends, turn by turn; replies that were had before are not asked for again."""
    name = ConversationKeys(player.fingerprint, player.spec.sampling)
    never = Response("", finish_reason="error", error="never asked")
    with Answers(player.folder) as answers, tqdm(total=len(games), unit=" episodes", disable=not player.show) as bar:
        while going := [game for game in games if game.open]:
            keys = [name(game) for game in going]
            if any(map(answers.lacks, keys)):
                _turn(player, going, keys, answers)
            for game, key in zip(going, keys, strict=True):
                game.take(answers.get(key) or never)
            bar.update(sum(not game.open for game in going))


def _turn(player: ModelPlayer, going: Sequence[Game], keys: Sequence[str], answers: Answers) -> None:
    """Ask for one reply in each game. Batches depend on the games that are open alone, not on what is known already."""
    backend, room = _backend(player), player.spec.sampling.max_new_tokens
    counts = [backend.count(game.messages, game.size) for game in going]
    batches = backend.batches([tokens for tokens, _ in counts])
    for group in [list(range(len(going)))] if batches is None else batches:
        fits = []
        for at in group:
            tokens, exact = counts[at]
            if exact and backend.context is not None and tokens + room > backend.context:
                answers.add(keys[at], Response("", tokens, 0, "length"))
            elif batches is not None or answers.lacks(keys[at]):
                fits.append(at)
        if any(answers.lacks(keys[at]) for at in fits):
            for at, response in answered(backend, _Conversations([going[at] for at in fits])):
                answers.add(keys[fits[at]], response)


def _backend(player: ModelPlayer) -> Backend:
    """The player's backend, opened when the first reply is wanted."""
    if player.backend is None:
        player.backend = open_backend(player.spec)
        player.facts |= player.backend.facts()
    return player.backend


def _tell(player: ModelPlayer, games: Sequence[Game]) -> None:
    """Say what was found, and put it into the player's facts."""
    responses = [response for game in games for response in game.responses]
    failed = sum(game.failed for game in games)
    if failed == len(games):
        raise UserError(f"none of {failed} episodes could be played, the last because: {responses[-1].error}")
    if failed:
        player.say(
            f"{failed} of {len(games)} episodes ended since no reply could be had; they count as wrong (column failed). The same "
            "command asks only for these again"
        )
    sampled = sampling_facts(player.spec.sampling, left_out(responses))
    player.facts |= sampled | {"failed": failed, "no_answer": counted_without(responses), "replies": len(responses)}
    for note in [*notes_on(responses), *(player.backend.notes() if player.backend is not None else [])]:
        player.say(note)


# --- players that need no model ----------------------------------------------------------------------------------


def _played(player: str, ask: Ask, turns: Turns, play: int = 0) -> Row:
    """The row of a baseline's episode."""
    seed = f"{ask.item.id} {ask.mode}" + (f" {ask.sample}" if ask.sample else "") + (f" play {play}" if play else "")
    game, rng = Game(Ask(ask.item, ask.mode, ask.sample), turns, None), Rng("random baseline", "episode", seed)
    oracle = Oracle(game.episode)
    while game.open:
        game.take(Response(oracle.reply() if player == "oracle" else _guess(player, game.episode, rng, seed)))
    return game.row()


def _guess(player: str, episode: Episode, rng: Rng, seed: str) -> str:
    """What a player says that imagines nothing ("initial": as if nothing ever changed) or guesses ("random")."""
    world, problem = episode.world, episode.problem
    if episode.asks == "answer":
        return baseline_response(player, problem, seed)
    if episode.asks == "belief":
        return world.write(problem.start)
    if player == "initial":
        return "" if world.plans else world.line(problem.start)
    action = rng.choice(world.legal_actions(episode.state))
    return f"Move: {action}" if episode.asks == "move" else f"State: {world.line(world.step(episode.state, action))}"


def trivial_cells(
    items: Sequence[Item], modes: Sequence[str], turns: Turns
) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """The accuracy of the trivial players over turns, in the form of `baseline_cells`; they look at no picture."""
    shares: dict[str, dict[str, dict[str, list[float]]]] = {}
    for item in items:
        for player in TRIVIAL:
            plays = PLAYS if player == "random" else 1
            right = [_played(player, Ask(item, "tqa"), turns, play).correct for play in range(plays)]
            for group in ("all", item.problem.difficulty):
                mine = shares.setdefault(item.problem.world, {}).setdefault(group, {name: [] for name in TRIVIAL})
                mine[player].append(sum(right) / plays)
    return {
        world: {
            mode: {
                group: {name: sum(values) / len(values) for name, values in players.items()}
                for group, players in groups.items()
            }
            for mode in modes
        }
        for world, groups in sorted(shares.items())
    }


def played_again(item: Item, row: Row, turns: Turns) -> Row:
    """A row of an earlier evaluation, its stored replies played again by today's rules."""
    game = Game(Ask(item, row.mode, row.sample), turns, None)
    for said in (turn["said"] for turn in row.turns or ()):
        if game.open:
            game.take(Response(said))
    game.failed, game.no_room = row.error == "error", row.error == "truncated"
    kept = {name: getattr(row, name) for name in ("prompt_tokens", "completion_tokens", "finish_reason")}
    return Row(**{**game.row().to_json(), **kept})
