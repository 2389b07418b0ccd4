from __future__ import annotations

import unittest

from nextver.commits import part_of, part_of_all

SUBJECTS = {
    "fix: Read versions with a build": "patch",
    "Tidy up": "patch",
    "feat: Read subjects": "minor",
    "feat(cli): Say the version": "minor",
    "feat!: Drop the old command": "major",
    "refactor(api)!: Rename everything": "major",
    "feature: not a word that counts": "patch",
    "Say feat: in the middle": "patch",
    "fix: Größere Zahlen": "patch",
}


class CommitsTest(unittest.TestCase):
    def test_a_subject_tells_its_part(self):
        for subject, part in SUBJECTS.items():
            with self.subTest(subject):
                self.assertEqual(part_of(subject), part)

    def test_the_largest_part_counts(self):
        self.assertEqual(part_of_all(["fix: one", "feat: two", "three"]), "minor")
        self.assertEqual(part_of_all(SUBJECTS), "major")

    def test_no_commit_raises_nothing(self):
        self.assertEqual(part_of_all(["", "\n"]), "")


if __name__ == "__main__":
    unittest.main()
