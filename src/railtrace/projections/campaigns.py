"""Campaigns: units to be inspected, or something replaced on them, by a day.

A campaign is a pseudo-unit `campaign:<id>` with its members; each member keeps which campaigns it
is in. Whether a unit is done is said by `CampaignDone`, or by the campaign's own kind of service
done to it since the campaign was opened, and since a look that it did not pass: that is joined
when read.
"""

from msgspec import Struct

from railtrace.catalogue.rows import Catalogue
from railtrace.projections.fold import Rows, State, View
from railtrace.projections.maintenance import Maintenance, last_moment, offset_of
from railtrace.trace.leaf import Entry
from railtrace.trace.operation import (
    CampaignClosed,
    CampaignDone,
    CampaignJoined,
    CampaignLeft,
    CampaignOpened,
    Operation,
)

PREFIX = "campaign:"


class Member(Struct):
    """A unit in a campaign: since when, when and by which entry it was done or taken out."""

    joined_us: int
    joined_by: str
    done_us: int | None = None
    done_by: str = ""
    outcome: str = ""
    findings: str = ""
    act: str = ""
    left_us: int | None = None
    left_reason: str = ""

    @property
    def done(self) -> bool:
        """Whether the last look at it passed."""
        return self.done_us is not None and self.outcome == "passed"


class Campaign(State):
    """One campaign, or the campaigns of one unit; `members` by unit, or by campaign."""

    campaign: str = ""
    title: str = ""
    action: str = "inspect"
    until: str = ""
    offset_s: int = 0
    """How far the clocks of who opened it are ahead of UTC [s]: its days end by them."""
    effect: str = "limits"
    service: str = ""
    order: str = ""
    site: str = ""
    opened_us: int | None = None
    opened_by: str = ""
    closed_us: int | None = None
    members: dict[str, Member] = {}

    @property
    def until_us(self) -> int:
        """The last moment of the last day, by the clocks of who opened it [µs]."""
        return last_moment(self.until, self.offset_s) if self.until else 2**62

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.opened_us is not None and self.closed_us is None


Campaigning = CampaignOpened | CampaignJoined | CampaignDone | CampaignLeft | CampaignClosed


def _apply(state: Campaign, entry: Entry, operation: Operation) -> None:
    assert isinstance(operation, Campaigning)
    whole = state.unit.startswith(PREFIX)
    if whole:
        _campaign(state, entry, operation)
    for name in operation.units if whole else (operation.campaign,):
        _member(state, entry, operation, name)


def _campaign(state: Campaign, entry: Entry, operation: Campaigning) -> None:
    state.campaign = operation.campaign
    if isinstance(operation, CampaignOpened):
        if state.opened_us is not None:
            state.contradict(entry, "campaign_opened_twice", campaign=operation.campaign)
        state.title, state.action, state.until = operation.title, operation.action, operation.until
        state.offset_s = offset_of(operation.happened_at)
        state.effect, state.service, state.order = (
            operation.effect, operation.service, operation.order,
        )  # fmt: skip
        state.site, state.opened_us, state.opened_by = (
            operation.site, entry.happened_us, operation.id,
        )  # fmt: skip
    elif isinstance(operation, CampaignClosed):
        if state.opened_us is None or state.closed_us is not None:
            state.contradict(entry, "campaign_not_open", campaign=operation.campaign)
        state.closed_us = entry.happened_us


def _member(state: Campaign, entry: Entry, operation: Campaigning, name: str) -> None:
    if isinstance(operation, CampaignClosed):
        return
    member = state.members.get(name)
    if member is None:
        member = state.members[name] = Member(entry.happened_us, operation.id)
    match operation:
        case CampaignJoined():
            member.left_us, member.left_reason = None, ""
        case CampaignDone():
            member.done_us, member.done_by = entry.happened_us, operation.id
            member.outcome, member.act = operation.outcome, operation.act
            member.findings = operation.findings
        case CampaignLeft():
            member.left_us, member.left_reason = entry.happened_us, operation.reason


class Standing(Struct, frozen=True):
    """How a unit stands in a campaign: done, due, overdue or out; by which entry it was done."""

    campaign: Campaign
    member: Member
    state: str
    done_us: int | None = None
    done_by: str = ""


def standing(
    campaign: Campaign, member: Member, maintenance: Maintenance | None, now_us: int
) -> Standing:
    """Join a campaign with a member of it and with what was done to the unit."""
    if member.left_us is not None:
        return Standing(campaign, member, "out")
    if member.done:
        return Standing(campaign, member, "done", member.done_us, member.done_by)
    done = maintenance.done.get(campaign.service) if maintenance and campaign.service else None
    failed_us = -1 if member.done_us is None else member.done_us
    if done is not None and done.at_us >= (campaign.opened_us or 0) and done.at_us > failed_us:
        return Standing(campaign, member, "done", done.at_us, done.operation)
    return Standing(campaign, member, "overdue" if now_us > campaign.until_us else "due")


def _rows(state: Campaign, catalogue: Catalogue) -> Rows:
    if not state.unit.startswith(PREFIX):
        members = [(state.unit, name) for name in sorted(state.members)]
        return {"campaigns": [], "campaign_members": members}
    row = (
        state.unit, state.campaign, state.title, state.action, state.until, state.effect,
        state.service, state.site, state.opened_us, state.closed_us, len(state.members),
    )  # fmt: skip
    return {"campaigns": [row] if state.campaign else [], "campaign_members": []}


CAMPAIGNS = View(
    name="campaigns",
    version=2,
    state=Campaign,
    kinds=frozenset({
        "CampaignOpened", "CampaignJoined", "CampaignDone", "CampaignLeft", "CampaignClosed",
    }),
    tables={
        "campaigns": (
            "unit TEXT PRIMARY KEY", "campaign TEXT", "title TEXT", "action TEXT", "until TEXT",
            "effect TEXT", "service TEXT", "site TEXT", "opened_us BIGINT", "closed_us BIGINT",
            "members BIGINT",
        ),
        "campaign_members": ("unit TEXT", "campaign TEXT"),
    },
    history={},
    apply=_apply,
    rows=_rows,
)  # fmt: skip
