"""A Model Context Protocol server: agents check what they write, look facts up, plan, and ask; nothing runs here."""
