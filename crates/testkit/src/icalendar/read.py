"""Reads a file for calendars with the library icalendar and says what is in it, as JSON.

Each event is read twice: as the library reads it, which knows zones by their names, and with the zones under names that
nobody knows, so that nothing but their definitions in the file says what its times mean.
"""

import json
import re
import sys
from datetime import timezone

import icalendar


def read(text):
    calendar = icalendar.Calendar.from_ical(text)
    for component in calendar.walk():
        assert not component.errors, component.errors
    return calendar


def times(event):
    found = {}
    for name in ("DTSTART", "DTEND"):
        if name in event:
            at = event.decoded(name)
            assert at.tzinfo is not None, (name, at)
            found[name] = {
                "utc": at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "local": at.strftime("%Y-%m-%dT%H:%M:%S"),
            }
    return found


text = sys.stdin.buffer.read().decode("utf-8")
by_name = read(text)
unknown = re.sub(r"(TZID[:=])([^:\r\n]+)", r"\1Nowhere/\2", text)
by_definition = read(unknown)
events = []
for event, other in zip(by_name.walk("VEVENT"), by_definition.walk("VEVENT"), strict=True):
    events.append(
        {
            "uid": str(event["UID"]),
            "sequence": int(event["SEQUENCE"]),
            "status": str(event["STATUS"]),
            "summary": str(event["SUMMARY"]),
            "location": str(event["LOCATION"]),
            "description": str(event.get("DESCRIPTION", "")),
            "by_name": times(event),
            "by_definition": times(other),
        }
    )
json.dump(
    {
        "method": str(by_name["METHOD"]),
        "name": str(by_name.get("X-WR-CALNAME", "")),
        "zones": [str(zone["TZID"]) for zone in by_name.walk("VTIMEZONE")],
        "events": events,
    },
    sys.stdout,
)
