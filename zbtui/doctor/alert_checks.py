"""Checks whether alerts arrive: the command and webhook of the config, and refused deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from shutil import which
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from zbtui.doctor.finding import Finding, FindingLevel, not_checked_finding
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.text import clean
from zbtui.model.time_format import ago
from zbtui.store.refusal_log import Refusal, RefusalLog
from zbtui.zoho_api.data_centers import webhook_url_error

_RESOLVE_SECONDS: Final = 5.0
_SUBJECT: Final = "alerts"

Resolve = Callable[[str, int], Awaitable[bool | None]]
"""A function that takes a host name and a port, and returns whether the name resolves; None if that is not
checked, because a proxy would resolve the name."""


@dataclass(frozen=True, slots=True)
class AlertExamination:
    """The facts about alerts that the doctor collects."""

    settings: AlertSettings
    examined_at: datetime
    command_path: str | None
    """The path of the program in the config's `on_change`; None if it is not set or the program is not
    found."""
    webhook_resolves: bool | None
    """Whether the host name of the config's webhook resolves; None if that was not checked."""
    waiting: int
    """The number of deliveries that were refused and will be retried."""
    refusals: Sequence[Refusal]
    """The refusals of alerts by the command or the webhook, newest first."""


async def examine_alerts(
    settings: AlertSettings, refusals: RefusalLog, now: datetime, resolve: Resolve
) -> AlertExamination:
    """Collect the facts about alerts, without sending any."""
    resolves = None
    if settings.webhook and not webhook_url_error(settings.webhook):
        url = urlsplit(settings.webhook)
        resolves = await resolve(url.hostname or "", url.port or 443)
    path = which(settings.on_change[0]) if settings.on_change else None
    return AlertExamination(settings, now, path, resolves, await refusals.waiting(), await refusals.read())


def alert_findings(seen: AlertExamination) -> list[Finding]:
    """Return a finding for each alert channel, then findings on refused deliveries."""
    settings, findings = seen.settings, list[Finding]()
    if settings.on_change:
        findings.append(_command_finding(settings.on_change[0], seen.command_path))
    if settings.webhook:
        findings.append(_webhook_finding(settings.webhook, seen.webhook_resolves))
    if not findings:
        message = "Only who looks at the screen is told: no command and no webhook is set."
        hint = "Set on_change or webhook in the [alerts] table of the config."
        findings.append(Finding(_SUBJECT, None, FindingLevel.REMARK, message, hint, "NO_CHANNEL"))
    return [*findings, *_delivery_findings(seen)]


def _command_finding(name: str, path: str | None) -> Finding:
    if path:
        return Finding(_SUBJECT, None, FindingLevel.OK, f"The command {clean(path, 200)} is there.")
    message = f"The command {clean(name, 80)} was not found, or may not be run."
    hint = "Give its whole path in on_change in the [alerts] table of the config; ~ is not understood."
    return Finding(_SUBJECT, None, FindingLevel.PROBLEM, message, hint, "NO_COMMAND")


def _webhook_finding(url: str, resolves: bool | None) -> Finding:
    hint = "Correct webhook in the [alerts] table of the config."
    if wrong := webhook_url_error(url):
        message = f"The address of the webhook {wrong}."
        return Finding(_SUBJECT, None, FindingLevel.PROBLEM, message, hint, "BAD_WEBHOOK")
    host = clean(urlsplit(url).hostname or "", 80)  # the rest of the URL may be a secret
    if resolves is None:
        return not_checked_finding(_SUBJECT, None, f"a proxy looks up the webhook's host, {host}")
    if resolves:
        return Finding(_SUBJECT, None, FindingLevel.OK, f"The webhook's host {host} has an address.")
    message = f"The webhook's host {host} has no address."
    return Finding(_SUBJECT, None, FindingLevel.PROBLEM, message, hint, "BAD_WEBHOOK")


def _delivery_findings(seen: AlertExamination) -> list[Finding]:
    """Return findings on alerts that were given up (never delivered), or refused (delivered late)."""
    findings = []
    last = next((one for one in seen.refusals if not one.given_up), None)
    why = f"The last refusal, {ago(seen.examined_at - last.at)}: {last.message}" if last else ""
    for one in seen.refusals:
        if one.given_up:
            when = ago(seen.examined_at - one.at)
            message = f"{one.channel}: {_count(one.count)} given up, the last {when} ({one.message}). {why}"
            findings.append(_warning(message, "GIVEN_UP"))
    if seen.waiting:
        findings.append(_warning(f"{_count(seen.waiting)} refused, and tried again. {why}", "REFUSED"))
    elif last and not findings:
        findings.append(Finding(_SUBJECT, None, FindingLevel.REMARK, clean(why, 400), None, "REFUSED_ONCE"))
    return findings


def _count(alerts: int) -> str:
    return f"{alerts} alert was" if alerts == 1 else f"{alerts} alerts were"


def _warning(message: str, code: str) -> Finding:
    hint = "See what the command or the webhook says; until then, look yourself."
    return Finding(_SUBJECT, None, FindingLevel.WARNING, clean(message, 400), hint, code)


async def resolve_host(host: str, port: int) -> bool | None:
    """Return whether the system resolves a host name within 5 s; None if a proxy would resolve it."""
    if getproxies_environment() and not proxy_bypass(host):
        return None
    lookup = asyncio.ensure_future(asyncio.get_running_loop().getaddrinfo(host, port))
    # Retrieves the exception, so that asyncio does not warn.
    lookup.add_done_callback(lambda task: task.cancelled() or task.exception())
    await asyncio.wait({lookup}, timeout=_RESOLVE_SECONDS)
    return lookup.done() and not isinstance(lookup.exception(), OSError | UnicodeError)
