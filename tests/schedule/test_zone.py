"""The zone of this machine: by TZ, or by the files under /etc."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pydag.errors import InvalidSetting
from pydag.schedule.zone import local_zone


def linked(etc: Path, name: str) -> Path:
    zone = etc / "zoneinfo" / name
    zone.parent.mkdir(parents=True)
    zone.write_bytes(Path("/usr/share/zoneinfo", name).read_bytes())
    (etc / "localtime").symlink_to(zone)
    return etc


def test_tz_goes_before_the_files(tmp_path: Path) -> None:
    etc = linked(tmp_path, "Europe/Berlin")
    assert local_zone("America/New_York", etc).key == "America/New_York"
    assert local_zone(":America/New_York", etc).key == "America/New_York"
    assert local_zone("/usr/share/zoneinfo/Asia/Tokyo", etc).key == "Asia/Tokyo"
    assert local_zone("", etc).key == "UTC"


def test_the_link_localtime_names_the_zone(tmp_path: Path) -> None:
    zone = local_zone(None, linked(tmp_path, "Europe/Berlin"))
    assert zone.key == "Europe/Berlin"
    assert zone.utcoffset(datetime(2025, 7, 1)) == timedelta(hours=2)


def test_the_file_timezone_names_the_zone_where_localtime_is_a_copy(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes(Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes())
    assert local_zone(None, tmp_path).utcoffset(datetime(2020, 1, 1, tzinfo=UTC)) == timedelta(hours=9)
    (tmp_path / "timezone").write_text("Asia/Tokyo\n")
    assert local_zone(None, tmp_path).key == "Asia/Tokyo"


def test_a_machine_without_a_zone_has_utc(tmp_path: Path) -> None:
    assert local_zone(None, tmp_path).key == "UTC"


@pytest.mark.parametrize("tz", ["Mars/Olympus", "CET-1CEST", "../../etc/passwd", "/nowhere", "Europe", "a\nb"])
def test_a_tz_that_is_no_zone_is_refused_by_name(tz: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting) as refused:
        local_zone(tz, tmp_path)
    assert str(refused.value) == (
        f"this machine does not know the time zone {tz!r}: set TZ to one such as Europe/Berlin, or unset it"
    )
