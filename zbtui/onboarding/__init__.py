"""Use cases: add an org, sign it in again, edit it, remove it. Each is done completely or not at all."""

from zbtui.onboarding.org_service import OrgService
from zbtui.onboarding.stores import Stores

__all__ = ["OrgService", "Stores"]
