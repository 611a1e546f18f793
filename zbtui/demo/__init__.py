"""A simulated Zoho: accounts hosts and API hosts as one ASGI app, with invented orgs that change fast.

The app runs in the process of `zbtui demo`, or on a port with `uvicorn --no-date-header zbtui.demo:app`,
which prints how to put its orgs under watch. All names, ids and credentials are invented.
"""

from zbtui.demo.accounts import DEVICE_CLIENT, REGIONAL_CLIENT, WEB_CLIENT, RegisteredClient
from zbtui.demo.invented_orgs import InventedOrg, Phase
from zbtui.demo.server import app, serve_in_process
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import SimulatedWorld

__all__ = [
    "DEVICE_CLIENT",
    "REGIONAL_CLIENT",
    "WEB_CLIENT",
    "InventedOrg",
    "Phase",
    "RegisteredClient",
    "SimulatedWorld",
    "Simulator",
    "app",
    "serve_in_process",
]
