from __future__ import annotations

import random
import unittest

from nextver.version import Version, parse

# In the order that semver.org gives for precedence.
ORDERED = """
0.9.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1
1.0.0 1.0.1 1.1.0 1.10.0 2.0.0
""".split()


class VersionTest(unittest.TestCase):
    def test_texts_are_read_and_written(self):
        for text in ORDERED:
            with self.subTest(text):
                self.assertEqual(str(parse(text)), text)
                self.assertEqual(parse(f"v{text}+build.5"), parse(text))

    def test_versions_have_an_order(self):
        shuffled = random.Random(4).sample(ORDERED, len(ORDERED))
        self.assertEqual([str(one) for one in sorted(map(parse, shuffled))], ORDERED)

    def test_a_part_is_raised(self):
        cases = {"major": "2.0.0", "minor": "1.3.0", "patch": "1.2.4"}
        for part, expected in cases.items():
            with self.subTest(part):
                self.assertEqual(str(Version(1, 2, 3).raised(part)), expected)

    def test_a_pre_release_is_followed_by_its_release(self):
        self.assertEqual(str(parse("1.2.3-rc.1").raised("patch")), "1.2.3")

    def test_what_is_no_version_is_refused(self):
        for text in ("", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.3-", "one"):
            with self.subTest(text), self.assertRaisesRegex(ValueError, "is no version"):
                parse(text)


if __name__ == "__main__":
    unittest.main()
