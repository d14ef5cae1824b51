"""Likely ranges: what chance in the choice of metrics could have made of every average, segment and rank.

Drawn here, once for every engine. What is drawn from, and what is made of the draws, are dbt models; words and
pictures of likely ranges don't belong here.
"""
