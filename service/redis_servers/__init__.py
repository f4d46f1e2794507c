"""Redis by URL: one server or the primary that Sentinels name; clients, what is wrong in words, hints of changes."""
