"""What the path needs from the world: small protocols in our own types. Pure.

All datetimes are aware and UTC; all money is integer micro-dollars.
"""

from dispatch.ports.additions import Additions, Hear, nothing_said
from dispatch.ports.alarms import Alarms, OpenAlarm
from dispatch.ports.clock import Clock
from dispatch.ports.line import Feedback, Line, Steering
from dispatch.ports.money import Ledger, Pricing
from dispatch.ports.people import Digests, Notifier, Outbox, Quotes
from dispatch.ports.previews import Begun, Preview, Previews, Unseen
from dispatch.ports.questions import Questions
from dispatch.ports.queue import Gates, Queue, Tasks, UnderWay, Waiting
from dispatch.ports.reports import BillLine, Reports, Spending
from dispatch.ports.session import (
    Access,
    Approve,
    Attachment,
    Draft,
    FileKind,
    Files,
    Gateway,
    Gathered,
    Heard,
    Pause,
    Place,
    Places,
    Runner,
    Seats,
    Session,
    Setups,
    Tell,
    Tool,
)
from dispatch.ports.transcripts import Recorder, Transcripts
from dispatch.ports.vault import Backup, Condition

__all__ = [
    "Access",
    "Additions",
    "Alarms",
    "Approve",
    "Attachment",
    "Backup",
    "Begun",
    "BillLine",
    "Clock",
    "Condition",
    "Digests",
    "Draft",
    "Feedback",
    "FileKind",
    "Files",
    "Gates",
    "Gateway",
    "Gathered",
    "Hear",
    "Heard",
    "Ledger",
    "Line",
    "Notifier",
    "OpenAlarm",
    "Outbox",
    "Pause",
    "Place",
    "Places",
    "Preview",
    "Previews",
    "Pricing",
    "Questions",
    "Queue",
    "Quotes",
    "Recorder",
    "Reports",
    "Runner",
    "Seats",
    "Session",
    "Setups",
    "Spending",
    "Steering",
    "Tasks",
    "Tell",
    "Tool",
    "Transcripts",
    "UnderWay",
    "Unseen",
    "Waiting",
    "nothing_said",
]
