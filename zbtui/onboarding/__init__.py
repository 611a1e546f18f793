"""Use case: an org comes under watch, signs in again, is edited, and goes. All of it, or nothing."""

from zbtui.onboarding.org_service import OrgService
from zbtui.onboarding.stores import Stores

__all__ = ["OrgService", "Stores"]
