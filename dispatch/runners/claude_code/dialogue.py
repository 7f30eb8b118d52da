"""What is said between a session and its process, and what the session comes to."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from zoneinfo import ZoneInfo

from dispatch.closing import finished
from dispatch.diagnosis import ended
from dispatch.faults import Fault, FaultKind
from dispatch.ports import Clock, Session
from dispatch.runners.claude_code.command import interruption
from dispatch.runners.claude_code.hearing import Hearing
from dispatch.runners.claude_code.permits import Permits
from dispatch.runners.claude_code.process import Process, event
from dispatch.runners.claude_code.report import Report
from dispatch.task import Outcome, Verdict

TOLD_EACH = 3.0
"""Seconds between two progress lines."""

_TO_STOP = 5.0


class Dialogue:
    """One session's talk with its process, which is gone at the end. Its start sets `opened`."""

    def __init__(
        self,
        session: Session,
        process: Process,
        report: Report,
        permits: Permits,
        opened: asyncio.Event,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self._session = session
        self._process = process
        self._report = report
        self._permits = permits
        self._opened = opened
        self._clock = clock
        self._zone = zone
        self._hearing = Hearing(session, process.tell, clock)

    async def run(self, put_aside: Callable[[Outcome], Awaitable[Outcome]]) -> Outcome:
        """From the prompt to the result event. `put_aside` makes of its end that of one that waits."""
        reading = asyncio.create_task(self._read())
        telling = asyncio.create_task(self._tell())
        listening = asyncio.create_task(self._hearing.listen())
        try:
            await self._hearing.begin()
            await asyncio.wait({reading})
        except BaseException as error:
            listening.cancel()
            return await finished(self._end(error, reading, put_aside))
        finally:
            telling.cancel()
            listening.cancel()
        return await finished(self._conclude(reading, put_aside))

    async def _read(self) -> None:
        async for line in self._process.lines():
            told = event(line)
            self._report.take(told)
            self._permits.take(told)
            self._hearing.take(told)
            if self._report.wrong:
                return
            if self._report.is_started:
                self._opened.set()
            if self._report.is_over:
                if self._report.is_answered:
                    await self._hearing.look()
                if not (self._report.is_answered and self._hearing.is_unread):
                    self._hearing.close()
                    self._process.hang_up()
                    return
                self._report.go_on()

    async def _tell(self) -> None:
        told, tell = "", self._session.access.tell
        while tell is not None:
            if self._report.doing != told:
                told = self._report.doing
                await tell(told)
            await self._clock.sleep(TOLD_EACH)

    async def _end(
        self,
        error: BaseException,
        reading: "asyncio.Task[None]",
        put_aside: Callable[[Outcome], Awaitable[Outcome]],
    ) -> Outcome:
        """What it came to, if it has its result, which is paid for. Else it is cut, and raises the error."""
        if self._report.is_over:
            with suppress(TimeoutError):
                async with asyncio.timeout(_TO_STOP):
                    await self._hearing.looked()
        if self._report.is_over and not self._hearing.is_unread:
            return await self._conclude(reading, put_aside)
        await self._cut(reading)
        raise error

    async def _cut(self, reading: "asyncio.Task[None]") -> None:
        """Lets it say what it came to so far; what it does not say in time it does not say."""
        self._hearing.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_TO_STOP):
                await self._process.tell(interruption())
                await asyncio.wait({reading})
        await self._close(reading)

    async def _close(self, reading: "asyncio.Task[None]") -> None:
        await (self._process.kill() if self._report.wrong else self._process.end())
        reading.cancel()
        self._report.close()
        await self._permits.close()

    async def _conclude(
        self, reading: "asyncio.Task[None]", put_aside: Callable[[Outcome], Awaitable[Outcome]]
    ) -> Outcome:
        await self._close(reading)
        if reading.done() and not reading.cancelled() and (broke := reading.exception()):
            raise broke
        outcome = self._outcome()
        if self._session.access.is_paused():
            outcome = await put_aside(outcome)
        self._session.draft.outcome = outcome
        return outcome

    def _outcome(self) -> Outcome:
        report, process, draft = self._report, self._process, self._session.draft
        if report.wrong:
            return self._failed(
                Fault(FaultKind.RUNTIME, f"Claude Code did not start as asked: {report.wrong}")
            )
        facts = report.facts(process.exit_code, process.stderr, killed_by_us=False)
        fault = ended(facts, self._clock.now(), self._zone)
        if fault is None and report.tools_broke:
            fault = Fault(FaultKind.RUNTIME, f"none of its tools could start: {report.tool_results[0][:200]}")
        if fault is not None:
            return self._failed(fault, report.said_micro_usd)
        text = facts.result.strip()
        return Outcome(Verdict.ANSWERED, text, draft.model, said_micro_usd=report.said_micro_usd)

    def _failed(self, fault: Fault, said_micro_usd: int | None = None) -> Outcome:
        draft = self._session.draft
        return Outcome(Verdict.FAILED, draft.text, draft.model, fault, said_micro_usd=said_micro_usd)
