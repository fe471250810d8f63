"""Changes of published vectors are noticed: each test makes a fault that `make.py --check` must report."""

import copy
import unittest

import frozen

DOCUMENTS = {"states.json": {"flows": {"login": {"app": "shop"}}, "vectors": [{"name": "a state", "now": 1}, {"name": "another one", "now": 2}]}}
DIGESTS = frozen.new(DOCUMENTS, {})


class Faults(unittest.TestCase):
    def setUp(self):
        self.documents = copy.deepcopy(DOCUMENTS)
        self.file = self.documents["states.json"]

    def told(self):
        return [(name, fault) for (_, _, name), fault in frozen.faults(self.documents, DIGESTS)]

    def test_nothing_changed(self):
        self.file["vectors"] = [dict(reversed(vector.items())) for vector in reversed(self.file["vectors"])]
        self.assertEqual(self.told(), [])

    def test_a_vector_is_another_one_under_its_old_name(self):
        self.file["vectors"][0]["now"] = 3
        self.assertEqual(self.told(), [("a state", "was published otherwise")])

    def test_what_the_vectors_share_is_changed_under_them(self):
        self.file["flows"]["login"]["app"] = "bank"
        self.assertEqual(self.told(), [("login", "was published otherwise")])

    def test_a_vector_is_taken_out(self):
        del self.file["vectors"][1]
        self.assertEqual(self.told(), [("another one", "was published and is missing")])

    def test_a_file_is_taken_out(self):
        self.documents.clear()
        self.assertEqual(len(self.told()), 3)

    def test_a_second_vector_takes_the_name_of_one(self):
        self.file["vectors"].append({"name": "a state", "now": 1})
        self.assertEqual(self.told(), [("a state", "occurs twice")])

    def test_a_new_vector_is_left_without_a_digest(self):
        self.file["vectors"].append({"name": "a new one"})
        self.assertEqual(self.told(), [("a new one", "has no digest: run make.py")])

    def test_a_digest_is_never_made_for_what_has_one(self):
        self.file["vectors"][0]["now"] = 3
        self.assertEqual(frozen.new(self.documents, DIGESTS), {})


unittest.main()
