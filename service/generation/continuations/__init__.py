"""Texts that go on later: what is needed for that, and the tokens that carry it; knows no scheduler and no HTTP."""
