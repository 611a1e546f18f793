"""Use case: an org comes under watch, signs in again, is edited, and goes. All of it, or nothing."""

from zbtui.onboard.desk import OrgService
from zbtui.onboard.household import Stores

__all__ = ["OrgService", "Stores"]
