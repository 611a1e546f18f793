"""The use cases that add, sign in again, edit and remove an org. Each is done completely or not at all."""

from zbtui.onboarding.org_service import OrgService
from zbtui.onboarding.stores import Stores

__all__ = ["OrgService", "Stores"]
