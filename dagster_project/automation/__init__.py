"""What starts a quarter without a hand, and what tells people how it ended.

What a run does is not here (runs), nor how it is launched by hand (launch).
"""
