from __future__ import annotations

import os
import pwd

import pytest

from fer_edge.system.users import group_name, own_name, user_name

NOBODYS = 3_999_999_999


def test_a_number_without_a_name_stands_for_itself() -> None:
    assert user_name(0) == "root"
    assert user_name(NOBODYS) == group_name(NOBODYS) == str(NOBODYS)


def test_a_process_whose_user_has_no_name_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_name() == pwd.getpwuid(os.geteuid()).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: NOBODYS)
    assert own_name() is None
