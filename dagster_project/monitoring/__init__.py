"""What an operations team watches: is everything up (health), and how things stand in numbers (metrics).

Telling somebody isn't here (`automation/alerts.py`), nor serving it (`web_server.py`, the verb `health`).
"""
