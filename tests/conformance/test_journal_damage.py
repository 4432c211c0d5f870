# SPDX-License-Identifier: Apache-2.0
"""Damaged journals, two of each kind; `make soak` tries 2,000."""

import shutil

import pytest

import journal_damage


@pytest.mark.skipif(not shutil.which("journalctl"), reason="systemd's journalctl is not here")
@pytest.mark.parametrize("seed", range(64, 64 + 2 * len(journal_damage.KINDS)))
def test_all_that_is_whole_is_read(seed):
    journal_damage.case(seed)
