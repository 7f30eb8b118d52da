import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.grammar import Cancel, Cost, Help, ListTasks, Run, Submit, UsageError, parse
from bot.options import is_front
from bot.remarks import Order, begun, read


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("shape", ["{}", "!{}", " {} ", "\n!{}"])
def test_an_order_is_the_whole_message_in_any_case_with_or_without_a_mark(order: Order, shape: str) -> None:
    assert read(shape.format(order)) is order
    assert read(shape.format(order.upper())) is order


@pytest.mark.parametrize(
    "words", ["stop the old job first", "cost of p3?", "status of refunds", "stop that?", "bump it"]
)
def test_an_order_with_other_words_follows_up(words: str) -> None:
    assert read(words) == Submit(words)


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("STOP!!", Order.STOP),
        ("stop.", Order.STOP),
        ("!stop!", Order.STOP),
        ("Cancel", Order.STOP),
        ("cancel!", Order.STOP),
        ("bump!", Order.BUMP),
        ("status?", Order.STATUS),
        ("Cost?!", Order.COST),
        ("help...", Order.HELP),
    ],
)
def test_a_hasty_order_is_one_however_it_ends(words: str, order: Order) -> None:
    assert read(words) is order


@pytest.mark.parametrize("words", ["stop?", "cancel?", "retry", "hold", "release", "lower", "show", "bump?"])
def test_a_verb_alone_that_lacks_its_number_is_no_task(words: str) -> None:
    assert isinstance(read(words), UsageError)


@pytest.mark.parametrize(
    "words",
    [
        "!aside lunch?",
        "!ASIDE",
        "!nice work",
        "! stop",
        "!retry 42",
        "",
        "  ",
        "thanks!",
        "Thank you",
        ":tada:",
        "👍",
        "ok.",
        ":+1: thanks",
        "LGTM 🎉",
        "+1",
        "ok, thanks a lot!",
        "Great, got it. Thank you so much :heart:",
    ],
)
def test_talk_asks_for_nothing(words: str) -> None:
    assert read(words) is None


@pytest.mark.parametrize(
    ("words", "read_as"),
    [
        ("p2 and now the refunds", Submit("and now the refunds", priority=2)),
        ("P2: model=haiku max=$1 again", Submit("again", 2, "haiku", 1_000_000)),
        ("thanks, and now the refunds", Submit("thanks, and now the refunds")),
        ("thanks, do it", Submit("thanks, do it")),
        ("all of it", Submit("all of it")),
        ("you and me", Submit("you and me")),
        ("+12", Submit("+12")),
        ("show me the other file", Submit("show me the other file")),
        ("retry with a longer timeout", Submit("retry with a longer timeout")),
        ("help me read this", Submit("help me read this")),
        ("cancel 42", Cancel(42)),
        ("list", ListTasks()),
        ("run the tests", Run("the", "tests")),
        ("é", Submit("é")),
    ],
)
def test_a_reply_is_read_as_it_is_meant(words: str, read_as: object) -> None:
    assert read(words) == read_as


@pytest.mark.parametrize("words", ["p11 and now", "p2", "p2 p3 x", "x=1 is wrong", "y" * 12_001])
def test_what_cannot_be_read_is_told(words: str) -> None:
    assert isinstance(read(words), UsageError)


@given(st.text())
def test_no_reply_breaks_it_and_only_what_the_command_refuses_is_read_otherwise(words: str) -> None:
    found, command = read(words), parse(words)
    if found is None or isinstance(found, Order):
        return
    if isinstance(command, UsageError) and isinstance(found, Submit):
        assert found.words == words.strip()
        assert not is_front(words.strip())
    else:
        assert found == command
        assert not isinstance(found, Help) or words.strip()


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("thanks!", None),
        ("👍", None),
        ("", Help()),
        (" ", Help()),
        ("!help", Help()),
        ("!HELP", Help()),
        ("!status", ListTasks()),
        (" !status? ", ListTasks()),
        ("!list", ListTasks()),
        ("!cost", Cost()),
        ("!retry the deploy", Submit("!retry the deploy")),
        ("!stop that", Submit("!stop that")),
        ("!important", Submit("!important")),
        ("!p3", Submit("!p3")),
        ("!x=1", Submit("!x=1")),
        ("thanks, and now the refunds", Submit("thanks, and now the refunds")),
        ("stop it", Submit("stop it")),
    ],
)
def test_outside_of_a_thread_only_thanks_ask_for_nothing(words: str, asked: object) -> None:
    assert begun(words) == asked


@pytest.mark.parametrize("word", ["stop", "bump", "STOP!!", "cancel", "cost?", "retry"])
def test_outside_of_a_thread_a_verb_behind_a_mark_that_lacks_something_is_refused_as_without(
    word: str,
) -> None:
    refused = begun(f"!{word}")
    assert isinstance(refused, UsageError)
    assert refused == begun(word)
