"""Use case: an org comes under watch, signs in again, is edited, and goes. All of it, or nothing."""

from zbtui.onboard.desk import Desk
from zbtui.onboard.household import Household

__all__ = ["Desk", "Household"]
