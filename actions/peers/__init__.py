"""What the actions for the peer services share: calls, jobs, and what jobs have made."""
