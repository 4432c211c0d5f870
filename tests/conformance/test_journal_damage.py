# SPDX-License-Identifier: Apache-2.0
"""Damaged journals, two of each kind; `make soak` tries 2,000."""

import shutil

import pytest

import journal_damage


@pytest.mark.skipif(not shutil.which("journalctl"), reason="systemd's journalctl is not here")
# The two last are those that once found something: zeroes in the list of the file's entries.
@pytest.mark.parametrize("seed", [*range(64, 64 + 2 * len(journal_damage.KINDS)), 1372, 1693])
def test_all_that_is_whole_is_read(seed):
    journal_damage.case(seed)
