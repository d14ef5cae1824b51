"""What starts a quarter without a hand, and what tells people how it ended."""
